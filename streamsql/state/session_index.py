"""SessionIndex: the open sessions of all keys, and which session each row of a batch belongs to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Times
from streamsql.record import record
from streamsql.state.base import State
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array
from streamsql.state.grouping import group_rows, normalize_key
from streamsql.state.islands import (
    NONE,
    Elements,
    Islands,
    OpenSessions,
    elements_of,
    find_islands,
    grew_undivided,
)
from streamsql.state.key_index import KeyIndex
from streamsql.state.ordering import lexical_order
from streamsql.state.session_replay import ReplayedSession, Runs, replay, runs_of
from streamsql.state.session_table import SessionTable
from streamsql.time import END_OF_TIME, Duration, Time

_FORGET_FROM = 4_096
"""Keys that may have lost their last session are looked at when there are so many."""


@record(eq=False)
class Assigned:
    """The session of each row, as a position in `slots`; -1 for a row that came too late."""

    member: Int64Array
    slots: Int64Array


@record(eq=False)
class ClosedSessions:
    """Sessions that have closed. What belongs to one was kept under any of its slots.

    `closed_at`: the watermark that closes it. `watermarks`: the one that its row goes by, just before its end; or the
    one that had passed its end when a row was taken back. `owner`: the position of the session that each of `slots` is
    part of; the first of `slots` are the sessions' own.
    """

    keys: list[pa.Array]
    starts: Times
    ends: Times
    closed_at: Times
    watermarks: Times
    slots: Int64Array
    owner: Int64Array


@record(eq=False)
class _Batch:
    """Rows on their way into sessions; `groups` are the distinct keys of the batch, `keys` their ids."""

    group: Int64Array
    keys: Int64Array
    times: Times
    watermarks: Times


@record(eq=False)
class _Found:
    """Sessions after a batch, by (group, start). `slot` NONE: new. `linked`: still open for later rows (None: all)."""

    group: Int64Array
    start: Times
    last: Times
    slot: Int64Array
    linked: BoolArray | None


class SessionIndex(State):
    """Open sessions: a slot for each, which is given out again after it has closed.

    Behaves as if the watermark of each row had closed sessions before the row came. Rows touch a session within `gap`,
    which may join two of them; a row is late where it touches none and its own would be closed.
    """

    def __init__(self, key_types: Sequence[pa.DataType], gap: Duration, tick: int) -> None:
        self._keys = KeyIndex(list(key_types) or [pa.int8()])
        self._keyless = not key_types
        self._table = SessionTable()
        self._idle: list[Int64Array] = []
        self._idle_count = 0
        self._gap = gap
        self._tick = tick

    @property
    def rows(self) -> int:
        return self._table.rows

    def assign(self, columns: Sequence[pa.Array], times: Times, watermarks: Times) -> Assigned:
        """Put rows into sessions. `watermarks` never fall; there must be a row."""
        batch = self._grouped(columns, times, watermarks)
        elements = self._elements(batch)
        islands = find_islands(elements, self._gap)
        below = self._before_these(batch, elements)
        cut = self._cut_islands(batch, elements, islands)
        found, member = self._whole(elements, islands, cut)
        if len(cut):
            found, member = self._replayed(batch, elements, islands, cut, found, member)
        slots = self._table.store(batch.keys[found.group], found.start, found.last, found.slot)
        if found.linked is None:
            self._table.link(found.group, slots, batch.keys, below)
        else:
            self._table.link(found.group[found.linked], slots[found.linked], batch.keys, below)
            self._table.unlink(slots[~found.linked])
            self._forget(batch.keys)
        return Assigned(member, slots)

    def open(self) -> tuple[Times, Times]:
        """Start and end of every open session, by end and start."""
        own = self._table.last_up_to(END_OF_TIME)
        starts, ends = self._table.start[own], self._table.last[own] + self._gap
        order = lexical_order([ends, starts])
        return starts[order], ends[order]

    def close(self, watermark: Time) -> ClosedSessions | None:
        """Take out the sessions that a watermark closes; in no particular order."""
        own = self._table.last_up_to(watermark - self._gap + self._tick)
        if not len(own):
            return None
        keys = self._table.key[own]
        starts, ends = self._table.start[own], self._table.last[own] + self._gap
        last_moment, floor = ends - self._tick, self._table.floor[own]
        closed_at = np.maximum(last_moment, floor)
        watermarks = np.where(floor >= last_moment, floor, last_moment - 1)
        columns = [] if self._keyless else self._keys.keys(keys)
        slots, owner = self._table.with_absorbed(own)
        self._table.remove(own, slots)
        self._forget(keys)
        return ClosedSessions(columns, starts, ends, closed_at, watermarks, slots, owner)

    def alive(self, times: Times, watermark: Time) -> BoolArray:
        """Which rows hold their session open on their own."""
        return times - self._tick > watermark - self._gap

    def around(self, columns: Sequence[pa.Array], times: Times, watermark: Time) -> Int64Array:
        """For each row the slot of the open session that its time lies in, NONE where there is none."""
        group, first = self._groups(columns, len(times))
        keys = self._keys.lookup([each.take(int64_array(first)) for each in self._key_columns(columns, len(times))])
        known = np.flatnonzero(keys >= 0)
        latest = self._table.latest[keys[known]]
        owners, slots = self._table.chains(known[latest >= 0], latest[latest >= 0])
        is_open = self._table.last[slots] - self._tick > watermark - self._gap
        owners, slots = owners[is_open], slots[is_open]
        order = lexical_order([owners, self._table.start[slots]])
        owners, slots = owners[order], slots[order]
        at = _last_before(owners, self._table.start[slots], group, times)
        inside = at >= 0
        inside[inside] = (owners[at[inside]] == group[inside]) & (times[inside] <= self._table.last[slots[at[inside]]])
        found = np.full(len(times), NONE)
        found[inside] = slots[at[inside]]
        return found

    def all_slots(self, own: Int64Array) -> tuple[Int64Array, Int64Array]:
        """The slots that sessions have rows under, their own first; each with the position of its session."""
        return self._table.with_absorbed(own)

    def rebuild(
        self, own: Int64Array, slots: Int64Array, session: Int64Array, times: Times, watermark: Time
    ) -> Int64Array:
        """Replace sessions by those that the rows left in them make; returns each row's slot.

        `slots` as `all_slots` gave them; `session`: the position in `own` of each row.
        """
        table = self._table
        keys = np.unique(table.key[own])
        owners, rest = table.chains(np.arange(len(keys)), table.latest[keys])
        stay = ~np.isin(rest, own)
        order = lexical_order([session, times])
        part, first, starts, lasts = _pieces(session[order], times[order], self._gap)
        of_piece = table.key[own][session[order[first]]]
        table.remove(own, slots)
        new = table.store(of_piece, starts, lasts, np.full(len(first), NONE))
        over = lasts - self._tick <= watermark - self._gap
        table.floor[new[over]] = watermark
        linked = np.concatenate([rest[stay], new[~over]])
        owners = np.concatenate([owners[stay], np.searchsorted(keys, of_piece[~over])])
        by_time = lexical_order([owners, table.start[linked]])
        table.link(owners[by_time], linked[by_time], keys, np.full(len(keys), NONE))
        self._forget(keys)
        placed = np.empty(len(times), np.int64)
        placed[order] = new[part]
        return placed

    def _forget(self, keys: Int64Array) -> None:
        """Free keys that have no session any more: many at once, or all when there is no session at all."""
        self._idle.append(keys)
        self._idle_count += len(keys)
        if self._idle_count >= _FORGET_FROM or not self._table.rows:
            self._free_idle()

    def _free_idle(self) -> None:
        if self._idle:
            self._keys.free(self._table.without_sessions(np.concatenate(self._idle)))
            self._idle, self._idle_count = [], 0

    def save(self) -> dict[str, pa.Table]:
        self._free_idle()
        return {"sessions": self._table.save(), **self._keys.save()}

    def load(self, tables: dict[str, pa.Table]) -> None:
        self._keys.load(tables)
        self._table.load(tables["sessions"], self._keys.bound)

    def _grouped(self, columns: Sequence[pa.Array], times: Times, watermarks: Times) -> _Batch:
        group, first = self._groups(columns, len(times))
        at = int64_array(first)
        keys = self._keys.lookup_or_insert([each.take(at) for each in self._key_columns(columns, len(times))])
        self._table.reach_keys(self._keys.bound)
        return _Batch(group, keys, times, watermarks)

    def _groups(self, columns: Sequence[pa.Array], count: int) -> tuple[Int64Array, Int64Array]:
        """Rows by key: the number of each row's key, and the first row of each key."""
        if self._keyless:
            return np.zeros(count, np.int64), np.zeros(1, np.int64)
        return group_rows([normalize_key(each) for each in columns])

    def _key_columns(self, columns: Sequence[pa.Array], count: int) -> Sequence[pa.Array]:
        return [pa.array(np.zeros(count, np.int8))] if self._keyless else columns

    def _elements(self, batch: _Batch) -> Elements:
        rows = lexical_order([batch.group, batch.times])
        group, times = batch.group[rows], batch.times[rows]
        begins = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
        return elements_of(rows, group, times, begins, self._near_sessions(batch.keys, times[begins]))

    def _near_sessions(self, keys: Int64Array, first_times: Times) -> OpenSessions:
        """The open sessions that rows of some keys may touch, given the time of each key's first row."""
        latest = self._table.latest[keys]
        group = np.flatnonzero(latest >= 0)
        slot = latest[group]
        # A row before the latest session may touch it from the left, and older ones.
        beyond = self._table.start[slot] > first_times[group]
        if beyond.any():
            groups, slots = self._table.chains(group[beyond], slot[beyond])
            group, slot = np.concatenate([group[~beyond], groups]), np.concatenate([slot[~beyond], slots])
            order = lexical_order([group, self._table.start[slot]])
            group, slot = group[order], slot[order]
        return OpenSessions(group, self._table.start[slot], self._table.last[slot], slot)

    def _cut_islands(self, batch: _Batch, elements: Elements, islands: Islands) -> Int64Array:
        """The islands to replay: a session may have closed before a row that touches it, or a row is late."""
        behind = batch.times - self._tick <= batch.watermarks
        if not behind.any():
            return np.empty(0, np.int64)
        suspects = np.unique(islands.of[elements.at_row[behind[elements.rows]]])
        undivided = grew_undivided(islands, elements, suspects, batch.times, batch.watermarks, self._gap, self._tick)
        return suspects[~undivided]

    def _before_these(self, batch: _Batch, elements: Elements) -> Int64Array:
        """For each key the session before all those that the batch may touch."""
        below = np.full(len(batch.keys), NONE)
        below[elements.group[elements.at_session[::-1]]] = self._table.older[elements.slots[::-1]]
        return below

    def _whole(self, elements: Elements, islands: Islands, cut: Int64Array) -> tuple[_Found, Int64Array]:
        """Each island, but for those in `cut`, as one session; what it joins is absorbed by the earliest."""
        slots, of = elements.slots, islands.of[elements.at_session]
        slot = np.full(len(islands), NONE)
        slot[of[::-1]] = slots[::-1]
        absorbed = slot[of] != slots
        if len(cut):
            absorbed &= ~np.isin(of, cut)
        if absorbed.any():
            self._table.absorb(slots[absorbed], slot[of[absorbed]])
        member = np.empty(len(elements.rows), np.int64)
        member[elements.rows] = islands.of[elements.at_row]
        return _Found(islands.group, islands.start, islands.last, slot, None), member

    def _replayed(
        self, batch: _Batch, elements: Elements, islands: Islands, cut: Int64Array, found: _Found, member: Int64Array
    ) -> tuple[_Found, Int64Array]:
        """Some islands row by row, in place of what `_whole` has made of them."""
        groups: list[int] = []
        linked: list[bool] = []
        sessions: list[ReplayedSession] = []
        runs, run_island = self._runs(batch, elements, islands, cut)
        bounds = np.searchsorted(run_island, cut), np.searchsorted(run_island, cut, "right")
        late: list[int] = []
        for island, first, stop in zip(cut.tolist(), *(each.tolist() for each in bounds), strict=True):
            before = self._sessions(elements, *np.searchsorted(islands.of, (island, island + 1)).tolist())
            result = replay(before, runs, first, stop, self._gap, self._tick)
            late += result.late
            for some, still_linked in ((result.open, True), (result.closed, False)):
                sessions += some
                groups += [int(islands.group[island])] * len(some)
                linked += [still_linked] * len(some)
        member[runs.rows[late]] = NONE
        return self._replaced(found, cut, member, runs.rows, groups, sessions, linked)

    def _runs(self, batch: _Batch, elements: Elements, islands: Islands, cut: Int64Array) -> tuple[Runs, Int64Array]:
        """The rows of some islands in runs, and the island of each run."""
        chosen = np.zeros(len(islands), np.bool_)
        chosen[cut] = True
        of_row = islands.of[elements.at_row]
        inside = chosen[of_row]
        island, rows = of_row[inside], elements.rows[inside]
        order = lexical_order([island, rows])
        island, rows = island[order], rows[order]
        runs = runs_of(island, rows, batch.times[rows], batch.watermarks[rows], self._gap, self._tick)
        return runs, island[runs.begins[:-1]]

    def _sessions(self, elements: Elements, start: int, stop: int) -> list[ReplayedSession]:
        """Those among the elements from `start` up to `stop`."""
        first, last = np.searchsorted(elements.at_session, (start, stop))
        known = elements.at_session[first:last]
        spans = zip(elements.start[known].tolist(), elements.last[known].tolist(), strict=True)
        slots = elements.slots[first:last].tolist()
        return [ReplayedSession(*span, [slot]) for span, slot in zip(spans, slots, strict=True)]

    def _replaced(
        self,
        found: _Found,
        cut: Int64Array,
        member: Int64Array,
        rows: Int64Array,
        groups: list[int],
        sessions: list[ReplayedSession],
        linked: list[bool],
    ) -> tuple[_Found, Int64Array]:
        kept = np.ones(len(found.group), np.bool_)
        kept[cut] = False
        number = np.cumsum(kept) - 1
        in_time = member >= 0
        member[in_time] = number[member[in_time]]
        first = int(np.count_nonzero(kept))
        for position, session in enumerate(sessions, first):
            for begin, end in session.pieces:
                member[rows[begin:end]] = position
            if len(session.slots) > 1:
                rest = np.array(session.slots[1:])
                self._table.absorb(rest, np.full(len(rest), session.slots[0]))
        both = _concatenated(found, np.flatnonzero(kept), groups, sessions, linked)
        place = np.empty(len(both.group) + 1, np.int64)
        order = lexical_order([both.group, both.start])
        place[order] = np.arange(len(order))
        place[NONE] = NONE
        assert both.linked is not None
        ordered = _Found(both.group[order], both.start[order], both.last[order], both.slot[order], both.linked[order])
        return ordered, place[member]


def _last_before(owners: Int64Array, starts: Times, group: Int64Array, times: Times) -> Int64Array:
    """For each row the position of the last span, of those by (owner, start), not after (group, time); -1: none."""
    spans = len(owners)
    kind = np.repeat([0, 1], [spans, len(group)])
    order = lexical_order([np.concatenate([owners, group]), np.concatenate([starts, times]), kind])
    latest = np.maximum.accumulate(np.where(order < spans, order, -1))
    found = np.empty(spans + len(group), np.int64)
    found[order] = latest
    return found[spans:]


def _pieces(session: Int64Array, times: Times, gap: Duration) -> tuple[Int64Array, Int64Array, Times, Times]:
    """Rows by (session, time) that no gap divides: the piece of each row, the first row, start and last of each."""
    begins = np.ones(len(times), np.bool_)
    begins[1:] = (session[1:] != session[:-1]) | (np.diff(times) > gap)
    first = np.flatnonzero(begins)
    return np.cumsum(begins) - 1, first, times[first], times[np.append(first, len(times))[1:] - 1]


def _concatenated(
    found: _Found, kept: Int64Array, groups: list[int], sessions: list[ReplayedSession], linked: list[bool]
) -> _Found:
    return _Found(
        np.append(found.group[kept], np.array(groups, np.int64)),
        np.append(found.start[kept], np.array([each.start for each in sessions], np.int64)),
        np.append(found.last[kept], np.array([each.last for each in sessions], np.int64)),
        np.append(found.slot[kept], np.array([each.slots[0] if each.slots else NONE for each in sessions], np.int64)),
        np.append(np.ones(len(kept), np.bool_), np.array(linked, np.bool_)),
    )
