"""SessionTable: one slot a session, and each key's open sessions as a chain from the latest to the earliest."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.batch import Times
from streamsql.state.fixed_width import Int64Array, values_of
from streamsql.state.grouping import single_chunk
from streamsql.state.islands import NONE
from streamsql.state.stored_column import grown
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME, Time

_GONE = END_OF_TIME
"""The last row of a slot that holds no session of its own."""
_SAVED = ("key", "start", "last", "older", "newer", "floor")


class SessionTable:
    """Arrays by slot (`key`, `start`, `last`, `older`, `newer`, `floor`) and by key id (`latest`, `count`).

    `floor`: the session closes no earlier than with this watermark, even if it has ended before: a row taken back may
    leave a part that is over already. A session that another one absorbed keeps its slot until that one is removed, for
    what is kept under it.
    """

    def __init__(self) -> None:
        nothing = np.empty(0, np.int64)
        self.key, self.start, self.last, self.older, self.newer, self.floor = (nothing,) * 6
        self.latest, self.count = nothing, nothing
        self._into = nothing
        self._absorbed = nothing
        self._free = nothing
        self._bound = 0

    @property
    def rows(self) -> int:
        """Slots in use."""
        return self._bound - len(self._free)

    def reach_keys(self, bound: int) -> None:
        """Make room for key ids below `bound`."""
        self.latest = grown(self.latest, bound, NONE)
        self.count = grown(self.count, bound, 0)

    def last_up_to(self, limit: Time) -> Int64Array:
        """The sessions whose last row is not after `limit`."""
        return np.flatnonzero(self.last[: self._bound] <= min(limit, _GONE - 1))

    def chains(self, groups: Int64Array, latest: Int64Array) -> tuple[Int64Array, Int64Array]:
        """All sessions of some keys, given the latest one of each: group and slot."""
        found_groups, found_slots = [groups], [latest]
        while True:
            older = self.older[found_slots[-1]]
            more = older >= 0
            if not more.any():
                return np.concatenate(found_groups), np.concatenate(found_slots)
            found_groups.append(found_groups[-1][more])
            found_slots.append(older[more])

    def store(self, keys: Int64Array, start: Times, last: Times, slots: Int64Array) -> Int64Array:
        """Set the span of sessions; those without a slot get one. Returns the slots."""
        fresh = np.flatnonzero(slots == NONE)
        if len(fresh):
            slots = slots.copy()
            slots[fresh] = new = self._new_slots(len(fresh))
            self.key[new] = keys[fresh]
            self.older[new] = self.newer[new] = self._into[new] = NONE
            self.floor[new] = BEGIN_OF_TIME
            np.add.at(self.count, keys[fresh], 1)
        self.start[slots], self.last[slots] = start, last
        return slots

    def link(self, owners: Int64Array, slots: Int64Array, keys: Int64Array, below: Int64Array) -> None:
        """Chain sessions: `owners` (ascending positions in `keys`) says whose, each key's in the order of time.

        `below`: for each key the session that stays before them, or NONE.
        """
        self.latest[keys] = below
        rest = below[below >= 0]
        self.newer[rest] = NONE
        if not len(slots):
            return
        begins = np.append(True, owners[1:] != owners[:-1])
        before = np.append(NONE, slots[:-1])
        before[begins] = below[owners[begins]]
        self.older[slots] = before
        self.newer[slots] = NONE
        known = before >= 0
        self.newer[before[known]] = slots[known]
        ends = np.append(begins[1:], True)
        self.latest[keys[owners[ends]]] = slots[ends]

    def without_sessions(self, keys: Int64Array) -> Int64Array:
        """Those of the keys, which may repeat, that have no session; each once."""
        flags = np.zeros(len(self.count), np.bool_)
        flags[keys[self.count[keys] == 0]] = True
        return np.flatnonzero(flags)

    def unlink(self, slots: Int64Array) -> None:
        """Leave sessions without neighbours; no chain may lead to them any more."""
        self.older[slots] = self.newer[slots] = NONE

    def absorb(self, slots: Int64Array, into: Int64Array) -> None:
        """Make sessions parts of others of the same key."""
        self.last[slots] = _GONE
        np.subtract.at(self.count, self.key[slots], 1)
        self._into[slots] = into
        self._absorbed = np.concatenate([self._absorbed, slots])
        above = self._into[self._into[self._absorbed]]
        self._into[self._absorbed] = np.where(above >= 0, above, self._into[self._absorbed])

    def with_absorbed(self, own: Int64Array) -> tuple[Int64Array, Int64Array]:
        """The slots of sessions and of what they have absorbed, each with the position in `own` that it is part of."""
        place = np.arange(len(own))
        if not len(self._absorbed):
            return own, place
        position = np.full(self._bound, NONE)
        position[own] = place
        owner = position[self._into[self._absorbed]]
        mine = owner >= 0
        return np.concatenate([own, self._absorbed[mine]]), np.concatenate([place, owner[mine]])

    def remove(self, own: Int64Array, slots: Int64Array) -> None:
        """Free sessions, with `slots` as `with_absorbed` gave them."""
        keys = self.key[own]
        np.subtract.at(self.count, keys, 1)
        gone = np.zeros(self._bound, np.bool_)
        gone[slots] = True
        latest = self.latest[keys]
        lost = gone[latest] & (latest >= 0)
        self.latest[keys[lost]] = NONE
        newer = self.newer[own]
        self.older[newer[newer >= 0]] = NONE
        self.last[slots] = _GONE
        self._absorbed = self._absorbed[~gone[self._absorbed]]
        self._free = np.concatenate([self._free, slots[::-1]])

    def save(self) -> pa.Table:
        """Slots in use, as they are."""
        used = np.ones(self._bound, np.bool_)
        used[self._free] = False
        slots = np.flatnonzero(used)
        columns = {name: pa.array(getattr(self, name)[slots]) for name in _SAVED}
        columns["into"] = pa.array(np.where(np.isin(slots, self._absorbed), self._into[slots], NONE))
        columns["latest"] = pa.array(self.latest[self.key[slots]] == slots)
        return pa.table({"slot": pa.array(slots), **columns})

    def load(self, table: pa.Table, keys: int) -> None:
        """What `save` gave, with key ids below `keys`."""
        slots = values_of(single_chunk(table["slot"]))
        self._new_slots(int(slots.max(initial=-1)) + 1)
        for name in _SAVED:
            getattr(self, name)[slots] = values_of(single_chunk(table[name]))
        free = np.ones(self._bound, np.bool_)
        free[slots] = False
        self._free = np.flatnonzero(free)[::-1].copy()
        self._into[slots] = values_of(single_chunk(table["into"]))
        self._absorbed = slots[self._into[slots] >= 0]
        self.reach_keys(keys)
        latest = slots[table["latest"].to_numpy()]
        self.latest[self.key[latest]] = latest
        np.add.at(self.count, self.key[slots[self._into[slots] < 0]], 1)

    def _new_slots(self, count: int) -> Int64Array:
        reused = min(count, len(self._free))
        split = len(self._free) - reused
        again, self._free = self._free[split:][::-1], self._free[:split]
        fresh = np.arange(self._bound, self._bound + count - reused)
        self._bound += len(fresh)
        for name in ("key", "start", "older", "newer", "floor", "_into"):
            setattr(self, name, grown(getattr(self, name), self._bound, NONE))
        self.last = grown(self.last, self._bound, _GONE)
        return np.concatenate([again, fresh])
