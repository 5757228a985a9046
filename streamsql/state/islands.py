"""Gaps and islands: which rows and open sessions of a key hang together, however they are ordered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streamsql.batch import Times
from streamsql.state.fixed_width import Int64Array
from streamsql.time import Duration

NONE = -1
"""No slot, or no row."""
_PACKED_LIMIT = 1 << 62


@dataclass(frozen=True, slots=True, eq=False)
class Elements:
    """Rows and open sessions: all of a group stand together, by start; a session is its span, a row a single time.

    `slot` is -1 for rows, `row` -1 for sessions.
    """

    group: Int64Array
    start: Times
    last: Times
    slot: Int64Array
    row: Int64Array

    def followed_by(self, other: Elements) -> Elements:
        """Both; they must have no group in common."""
        if not len(other.group):
            return self
        pairs = [(getattr(self, name), getattr(other, name)) for name in ("group", "start", "last", "slot", "row")]
        return Elements(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True, slots=True, eq=False)
class OpenSessions:
    """Sessions of some groups of a batch."""

    group: Int64Array
    start: Times
    last: Times
    slot: Int64Array


@dataclass(frozen=True, slots=True, eq=False)
class Islands:
    """What hangs together; ordered like the elements. `of`: the island of each element."""

    of: Int64Array
    group: Int64Array
    start: Times
    last: Times

    def __len__(self) -> int:
        return len(self.group)


def by_group_and_time(groups: Int64Array, times: Times, size: int) -> Int64Array:
    """Row numbers ordered by (group, time, arrival); groups lie below `size`."""
    count, low = len(groups), int(times.min())
    row_bits, time_bits = count.bit_length(), (int(times.max()) - low).bit_length()
    if size.bit_length() + time_bits + row_bits > 63:
        return np.lexsort((times, groups))
    # Sorting one column of packed numbers is several times faster than any sort that gives positions.
    packed = (groups << (time_bits + row_bits)) | ((times - low) << row_bits) | np.arange(count)
    packed.sort()
    return np.asarray(packed & ((1 << row_bits) - 1))


def elements_after_heads(rows: Int64Array, groups: Int64Array, times: Times, heads: OpenSessions) -> Elements:
    """Elements where each group has at most one session, which starts no later than its first row.

    `rows`: row numbers ordered by (group, time), `groups` and `times` theirs; `heads` are ordered by group.
    """
    if not len(heads.slot):
        return Elements(groups, times, times, np.full(len(rows), NONE), rows)
    begins = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
    has_head = np.zeros(int(groups[-1]) + 1, np.bool_)
    has_head[heads.group] = True
    heads_so_far = np.cumsum(has_head)
    at_row = np.arange(len(rows)) + heads_so_far[groups]
    at_head = begins[has_head[groups[begins]]] + np.arange(len(heads.group))
    size = len(rows) + len(heads.group)

    def placed(of_rows: Int64Array | int, of_heads: Int64Array | int) -> Int64Array:
        values = np.empty(size, np.int64)
        values[at_row] = of_rows
        values[at_head] = of_heads
        return values

    return Elements(
        placed(groups, heads.group),
        placed(times, heads.start),
        placed(times, heads.last),
        placed(NONE, heads.slot),
        placed(rows, NONE),
    )


def elements_anyhow(rows: Int64Array, groups: Int64Array, times: Times, sessions: OpenSessions) -> Elements:
    """Elements of groups with any number of sessions anywhere."""
    group = np.concatenate([sessions.group, groups])
    start = np.concatenate([sessions.start, times])
    last = np.concatenate([sessions.last, times])
    slot = np.concatenate([sessions.slot, np.full(len(rows), NONE)])
    row = np.concatenate([np.full(len(sessions.slot), NONE), rows])
    order = np.lexsort((start, group))
    return Elements(group[order], start[order], last[order], slot[order], row[order])


def find_islands(elements: Elements, gap: Duration) -> Islands:
    """Neighbours of a group that lie at most `gap` apart hang together."""
    group = elements.group
    changed = np.empty(len(group), np.bool_)
    changed[0] = True
    np.not_equal(group[1:], group[:-1], out=changed[1:])
    segment = np.cumsum(changed) - 1
    reached = running_maximum(elements.last, segment)
    begins = changed
    begins[1:] |= elements.start[1:] - reached[:-1] > gap
    of = np.cumsum(begins) - 1
    first = np.flatnonzero(begins)
    final = np.append(first[1:], len(group)) - 1
    return Islands(of, group[first], elements.start[first], reached[final])


def running_maximum(values: Int64Array, segment: Int64Array) -> Int64Array:
    """The largest value so far within each segment; segments are numbered from 0, ascending."""
    base = int(values.min())
    span = int(values.max()) - base + 1
    if span * (int(segment[-1]) + 1) < _PACKED_LIMIT:
        offset = segment * span - base
        return np.asarray(np.maximum.accumulate(values + offset) - offset)
    result, distance = values.copy(), 1
    while distance < len(values):
        same = segment[distance:] == segment[:-distance]
        result[distance:] = np.where(same, np.maximum(result[distance:], result[:-distance]), result[distance:])
        distance *= 2
    return result


def grew_undivided(
    islands: Islands,
    elements: Elements,
    suspects: Int64Array,
    times: Times,
    watermarks: Times,
    gap: Duration,
    tick: int,
) -> npt.NDArray[np.bool_]:
    """Which of some islands came about as one session that never closed before its last row, row by row.

    That is so if each row, when it arrived, touched the one session of the island, and that was still open.
    """
    chosen = np.zeros(len(islands), np.bool_)
    chosen[suspects] = True
    inside = np.flatnonzero(chosen[islands.of])
    # In order of arrival within each island, the session (row -1) first.
    inside = inside[np.lexsort((elements.row[inside], islands.of[inside]))]
    island, row = islands.of[inside], elements.row[inside]
    begins = np.append(True, island[1:] != island[:-1])
    segment = np.cumsum(begins) - 1
    high = running_maximum(elements.last[inside], segment)
    low = -running_maximum(-elements.start[inside], segment)
    time, watermark = times[row], watermarks[row]
    fine = np.empty(len(inside), np.bool_)
    fine[1:] = (high[:-1] + (gap - tick) > watermark[1:]) & (time[1:] <= high[:-1] + gap) & (time[1:] >= low[:-1] - gap)
    first = np.flatnonzero(begins)
    fine[first] = (row[first] < 0) | (time[first] + (gap - tick) > watermark[first])
    # A second session of the island is one that was not touched yet.
    fine[1:] &= (row[1:] >= 0) | begins[1:]
    return np.asarray(np.logical_and.reduceat(fine, first))
