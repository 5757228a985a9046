"""Gaps and islands: which rows and open sessions of a key hang together, in whatever order the rows came."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from streamsql import compiled
from streamsql.batch import Times
from streamsql.record import record
from streamsql.state.fixed_width import Int64Array
from streamsql.state.ordering import lexical_order
from streamsql.time import Duration

NONE = -1
"""No slot, or no row."""
_PACKED_LIMIT = 1 << 62


@record(eq=False)
class OpenSessions:
    """Sessions of some groups of a batch, by (group, start)."""

    group: Int64Array
    start: Times
    last: Times
    slot: Int64Array


@record(eq=False)
class Elements:
    """Rows and open sessions by (group, start): a session is its span, a row a single time.

    `rows` are row numbers and stand at `at_row`; `slots` are those of the sessions, which stand at `at_session`.
    """

    group: Int64Array
    start: Times
    last: Times
    rows: Int64Array
    at_row: Int64Array
    slots: Int64Array
    at_session: Int64Array


@record(eq=False)
class Islands:
    """What hangs together; ordered like the elements. `of`: the island of each element."""

    of: Int64Array
    group: Int64Array
    start: Times
    last: Times

    def __len__(self) -> int:
        return len(self.group)


def elements_of(
    rows: Int64Array, groups: Int64Array, times: Times, begins: Int64Array, sessions: OpenSessions
) -> Elements:
    """Put sessions between rows that are ordered by (group, time); `begins`: where each group's rows begin."""
    count, more = len(rows), len(sessions.slot)
    if not more:
        none = np.empty(0, np.int64)
        return Elements(groups, times, times, rows, np.arange(count), none, none)
    before = _rows_before(groups, times, begins, sessions)
    at_session = before + np.arange(more)
    at_row = np.arange(count) + np.cumsum(np.bincount(before, minlength=count + 1))[:count]
    group, start, last = (np.empty(count + more, np.int64) for _ in range(3))
    group[at_row], group[at_session] = groups, sessions.group
    start[at_row], start[at_session] = times, sessions.start
    last[at_row], last[at_session] = times, sessions.last
    return Elements(group, start, last, rows, at_row, sessions.slot, at_session)


def _rows_before(groups: Int64Array, times: Times, begins: Int64Array, sessions: OpenSessions) -> Int64Array:
    """How many rows stand before each session; most of them start before all rows of their group."""
    before = begins[sessions.group]
    later = np.flatnonzero(sessions.start > times[before])
    if not len(later):
        return before
    group, start = sessions.group[later], sessions.start[later]
    low = int(times.min())
    span = max(int(times.max()), int(start.max())) - low + 1
    if span * len(begins) < _PACKED_LIMIT:
        before[later] = np.searchsorted(groups * span + (times - low), group * span + (start - low))
        return before
    ends = np.append(begins[1:], len(times))
    for position in later.tolist():
        rows = times[before[position] : ends[sessions.group[position]]]
        before[position] += np.searchsorted(rows, sessions.start[position])
    return before


def find_islands(elements: Elements, gap: Duration) -> Islands:
    """Neighbours of a group that lie at most `gap` apart hang together."""
    group = elements.group
    reached = running_maximum(elements.last, group)
    begins = np.empty(len(group), np.bool_)
    begins[0] = True
    begins[1:] = (group[1:] != group[:-1]) | (elements.start[1:] - reached[:-1] > gap)
    first = begins.nonzero()[0]
    final = np.append(first[1:], len(group)) - 1
    return Islands(begins.cumsum() - 1, group[first], elements.start[first], reached[final])


def running_maximum(values: Int64Array, segment: Int64Array) -> Int64Array:
    """The largest value so far within each segment; segments are numbered in ascending order from 0."""
    if (fast := compiled.kernels(len(values))) is not None:
        reached: Int64Array = fast.running_maximum(compiled.plain(values), compiled.plain(segment))
        return reached
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
    row_of = np.full(len(elements.group), NONE)
    row_of[elements.at_row] = elements.rows
    # In order of arrival within each island, sessions first.
    inside = np.flatnonzero(chosen[islands.of])
    inside = inside[lexical_order([islands.of[inside], row_of[inside]])]
    island, row = islands.of[inside], row_of[inside]
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
