"""CodeRows: the numbers of the rows under each dense code, side by side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from streamsql.state.fixed_width import AnyArray, BoolArray, Int64Array
from streamsql.state.matches import Matches, joined
from streamsql.state.ordering import distinct, stable_order
from streamsql.state.stored_column import grown

Alive = Callable[[Int64Array], BoolArray]
"""Which rows are not dead. It is given with each call: kept, it would tie its owner's life to the garbage collector."""

_SHORT = np.iinfo(np.int32).max
"""Up to here numbers and codes take half as much memory."""
_SEARCHES = 8
"""Going through a row that waits costs so much less than giving it room."""
_FEWER = 4
"""So many times fewer codes than rows that wait must be asked for."""
_LEAST = -2
"""Codes begin here: negative ones are of rows without a key."""


class CodeRows:
    """Rows are numbered in order of arrival; each code's numbers lie in a room of their own.

    Those that outgrow it move to a larger one, so that a row is moved about once, however rows are spread over codes.
    Rooms are powers of 2, and given out again. Rows wait outside until going through all that wait has cost what giving
    them room does; where only new codes are asked for, which is common among keys that grow, that is never.
    """

    def __init__(self) -> None:
        self._restart(np.empty(0, np.int32))

    def _restart(self, codes: AnyArray) -> None:
        self._codes: AnyArray = codes
        self._size, self._placed, self._searched = len(codes), 0, 0
        self._known = np.zeros(0, np.bool_)
        self._asked = np.zeros(0, np.int32)
        self._starts, self._lengths, self._rooms = (np.zeros(0, np.int64) for _ in range(3))
        self._rows: AnyArray = np.zeros(0, codes.dtype)
        self._end = 0
        self._free: dict[int, list[Int64Array]] = {}
        self._mark(codes)

    def append(self, codes: Int64Array) -> None:
        """More rows, numbered from the last one on."""
        if not len(codes):
            return
        size = self._size + len(codes)
        if self._codes.dtype == np.int32 and max(size, int(codes.max())) > _SHORT:
            self._codes, self._rows = self._codes.astype(np.int64), self._rows.astype(np.int64)
        self._codes = grown(self._codes, size)
        self._codes[self._size : size] = codes
        self._size = size
        self._mark(codes)

    def codes(self, rows: Int64Array) -> Int64Array:
        """The code of each row."""
        return np.asarray(self._codes[rows], np.int64)

    def probe(self, codes: Int64Array, alive: Alive) -> Matches:
        """The rows under each of `codes`, which may repeat and come in any order; dead ones may be among them.

        `alive` says which rows are worth giving room.
        """
        owners = codes - _LEAST
        if int(owners.max(initial=-1)) >= len(self._known):
            self._reach(int(owners.max()) + 1)
        at = np.flatnonzero(self._known[owners])
        if len(at) < len(owners):
            owners = owners[at]
        waiting = self._size - self._placed
        if not len(at) or not waiting:
            return self._in_rooms(at, owners)
        self._searched += waiting
        if self._searched > _SEARCHES * waiting or len(at) * _FEWER > waiting:
            self._place(alive)
            return self._in_rooms(at, owners)
        return joined(self._in_rooms(at, owners), self._among_waiting(at, owners))

    def keep(self, rows: Int64Array) -> None:
        """Forget all rows but these, which ascend; they are numbered anew from 0."""
        self._restart(self._codes[rows])

    def used_codes(self) -> Int64Array:
        """All codes that have rows, ascending."""
        return np.flatnonzero(self._known) + _LEAST

    def _mark(self, codes: AnyArray) -> None:
        owners = codes - _LEAST
        size = int(owners.max(initial=-1)) + 1
        if size > len(self._known):
            self._reach(size)
        self._known[owners] = True

    def _in_rooms(self, at: Int64Array, owners: Int64Array) -> Matches:
        counts = self._lengths[owners]
        found = np.flatnonzero(counts)
        if len(found) < len(at):
            at, owners, counts = at[found], owners[found], counts[found]
        return Matches((self._rows,), at, np.zeros(len(at), np.int64), self._starts[owners], counts)

    def _among_waiting(self, at: Int64Array, owners: Int64Array) -> Matches:
        """The rows of owners (at least one) among those that wait, found by going through these."""
        asked = distinct(owners)
        self._asked[asked] = np.arange(1, len(asked) + 1)
        nth = self._asked[self._codes[self._placed : self._size] - _LEAST]
        mine = self._asked[owners] - 1
        self._asked[asked] = 0
        rows = np.flatnonzero(nth)
        nth = nth[rows] - 1
        order = stable_order([nth])
        if order is not None:
            rows = rows[order]
        lengths = np.bincount(nth, minlength=len(asked))
        starts = np.cumsum(lengths) - lengths
        counts = lengths[mine]
        found = np.flatnonzero(counts)
        of = mine[found]
        return Matches((rows + self._placed,), at[found], np.zeros(len(of), np.int64), starts[of], counts[found])

    def _place(self, alive: Alive) -> None:
        """Put the rows that came since the last time into their rooms."""
        rows = np.arange(self._placed, self._size)
        self._placed, self._searched = self._size, 0
        kept = alive(rows)
        rows = rows if kept.all() else rows[kept]
        owners = self.codes(rows) - _LEAST
        order = stable_order([owners]) if len(rows) else None
        if order is not None:
            owners, rows = owners[order], rows[order]
        heads = np.flatnonzero(np.diff(owners, prepend=-1))
        counts = np.diff(heads, append=len(owners))
        ends = self._roomy_ends(owners[heads], counts, alive)
        places = ends if len(heads) == len(rows) else np.arange(len(rows)) + np.repeat(ends - heads, counts)
        self._rows[places] = rows

    def _roomy_ends(self, owners: Int64Array, counts: Int64Array, alive: Alive) -> Int64Array:
        """Where each owner's rows end so far, with room for so many more behind; they count as there."""
        lengths = self._lengths[owners]
        outgrown = np.flatnonzero(lengths + counts > self._rooms[owners])
        if len(outgrown):
            moved = owners[outgrown]
            self._move(moved, counts[outgrown], alive)
            lengths[outgrown] = self._lengths[moved]
        self._lengths[owners] = lengths + counts
        return np.asarray(self._starts[owners] + lengths)

    def _reach(self, size: int) -> None:
        self._known, self._asked = grown(self._known, size), grown(self._asked, size)
        self._starts, self._lengths, self._rooms = (
            grown(each, size) for each in (self._starts, self._lengths, self._rooms)
        )

    def _listed(self, owners: Int64Array) -> Int64Array:
        """The rows of owners, one after the other."""
        lengths = self._lengths[owners]
        shift = self._starts[owners] - (np.cumsum(lengths) - lengths)
        return np.asarray(self._rows[np.arange(int(lengths.sum())) + np.repeat(shift, lengths)], np.int64)

    def _move(self, owners: Int64Array, more: Int64Array, alive: Alive) -> None:
        """Give owners rooms for so many more rows than they have alive; the dead ones stay behind."""
        whose = np.repeat(np.arange(len(owners)), self._lengths[owners])
        rows = self._listed(owners)
        kept = np.flatnonzero(alive(rows))
        if len(kept) < len(rows):
            whose, rows = whose[kept], rows[kept]
        lengths = np.bincount(whose, minlength=len(owners))
        self._give_back(owners[self._rooms[owners] > 0])
        sizes = _room_for(lengths + more)
        starts = self._taken(sizes)
        self._starts[owners], self._lengths[owners], self._rooms[owners] = starts, lengths, np.left_shift(1, sizes)
        self._rows[np.arange(len(rows)) + np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)] = rows

    def _give_back(self, owners: Int64Array) -> None:
        sizes = _room_for(self._rooms[owners])
        for size in np.flatnonzero(np.bincount(sizes)).tolist():
            self._free.setdefault(size, []).append(self._starts[owners[sizes == size]])

    def _taken(self, sizes: Int64Array) -> Int64Array:
        """A room of 2**size for each size, where there is one among the free ones that, else at the end."""
        starts = np.empty(len(sizes), np.int64)
        for size in np.flatnonzero(np.bincount(sizes)).tolist():
            wanted = np.flatnonzero(sizes == size)
            again = self._again(size, len(wanted))
            starts[wanted[: len(again)]] = again
            fresh = len(wanted) - len(again)
            starts[wanted[len(again) :]] = self._end + (np.arange(fresh) << size)
            self._end += fresh << size
        self._rows = grown(self._rows, self._end)
        return starts

    def _again(self, size: int, count: int) -> Int64Array:
        """Up to so many free rooms of 2**size."""
        found, free = [np.empty(0, np.int64)], self._free.get(size, [])
        while free and count:
            last = free.pop()
            found.append(last[:count])
            if len(last) > count:
                free.append(last[count:])
            count -= len(found[-1])
        return np.concatenate(found)


def _room_for(counts: Int64Array) -> Int64Array:
    """For how many rows, as a power of 2, there is room where so many lie: 1, 4, 8, 16 …"""
    sizes = np.frexp(counts - 1)[1]
    return np.asarray(sizes + (sizes == 1), np.int64)
