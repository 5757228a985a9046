"""Sessions of one key in order of arrival: for the islands that a closing session may have cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

import numpy as np

from streamsql.batch import Times
from streamsql.record import record
from streamsql.state.fixed_width import Int64Array
from streamsql.time import Duration, Time


@record(eq=False)
class Runs:
    """Rows by (island, arrival), in runs of which each surely ends in one session: every row of it lies within the gap
    of the one before, and both hold their session open on their own.

    `rows` are row numbers; run i is those from `begins[i]` up to `begins[i + 1]`, and spans `starts[i]` to `lasts[i]`.
    """

    rows: Int64Array
    times: Times
    watermarks: Times
    begins: Int64Array
    starts: Times
    lasts: Times


def runs_of(island: Int64Array, rows: Int64Array, times: Times, watermarks: Times, gap: Duration, tick: int) -> Runs:
    """Runs of rows that are ordered by (island, row), with their times and watermarks."""
    alive = times + (gap - tick) > watermarks
    linked = (island[1:] == island[:-1]) & (np.abs(np.diff(times)) <= gap) & alive[1:] & alive[:-1]
    linked &= times[:-1] + (gap - tick) > watermarks[1:]
    begins = np.flatnonzero(np.append(True, ~linked))
    starts, lasts = np.minimum.reduceat(times, begins), np.maximum.reduceat(times, begins)
    return Runs(rows, times, watermarks, np.append(begins, len(rows)), starts, lasts)


@record(eq=False, frozen=False)
class ReplayedSession:
    """A session while it is replayed. `slots`: the sessions from before that are in it, the earliest first; `pieces`:
    its rows, as positions from .. up to .. in those of the runs."""

    start: Time
    last: Time
    slots: list[int] = field(default_factory=list)
    pieces: list[tuple[int, int]] = field(default_factory=list)


@record(eq=False, frozen=False)
class Replay:
    """What rows have made of the sessions: `open` ones by start, `closed` ones, and the positions of `late` rows."""

    open: list[ReplayedSession]
    closed: list[ReplayedSession] = field(default_factory=list)
    late: list[int] = field(default_factory=list)


@record(eq=False, frozen=False)
class _Piece:
    """Rows that are taken at once; sessions that end up to `limit` have closed by then."""

    begin: int
    end: int
    start: Time
    last: Time
    limit: Time


def replay(sessions: list[ReplayedSession], runs: Runs, first: int, stop: int, gap: Duration, tick: int) -> Replay:
    """The runs from `first` up to `stop`, which are those of an island; `sessions` by start. A row is late where its
    session would be closed already."""
    state = Replay(sessions)
    begins = runs.begins[first : stop + 1].tolist()
    firsts = runs.watermarks[runs.begins[first:stop]].tolist()
    finals = runs.watermarks[runs.begins[first + 1 : stop + 1] - 1].tolist()
    spans = zip(runs.starts[first:stop].tolist(), runs.lasts[first:stop].tolist(), strict=True)
    for begin, end, span, at_first, at_last in zip(begins[:-1], begins[1:], spans, firsts, finals, strict=True):
        limit, final = at_first - gap + tick, at_last - gap + tick
        _close(state, limit)
        if final > limit and any(each.last <= final for each in state.open):
            for piece in _single_rows(runs, begin, end, gap - tick):
                _close(state, piece.limit)
                _take(state, piece, gap)
        else:
            _take(state, _Piece(begin, end, *span, limit), gap)
    return state


def _single_rows(runs: Runs, begin: int, end: int, distance: int) -> Iterator[_Piece]:
    """A run in which a session closes that rows may touch before, row by row."""
    pairs = zip(runs.times[begin:end].tolist(), runs.watermarks[begin:end].tolist(), strict=True)
    for at, (time, watermark) in enumerate(pairs, begin):
        yield _Piece(at, at + 1, time, time, watermark - distance)


def _close(state: Replay, limit: Time) -> None:
    """Take out the sessions whose last row is not after `limit`."""
    if any(each.last <= limit for each in state.open):
        state.closed += [each for each in state.open if each.last <= limit]
        state.open = [each for each in state.open if each.last > limit]


def _take(state: Replay, piece: _Piece, gap: Duration) -> None:
    touched = [each for each in state.open if each.start - gap <= piece.last and piece.start <= each.last + gap]
    if not touched and piece.last <= piece.limit:
        state.late.append(piece.begin)
        return
    session = _merged(touched, piece)
    session.pieces.append((piece.begin, piece.end))
    if len(touched) != 1:
        state.open = sorted([*(each for each in state.open if each not in touched), session], key=_start)


def _merged(touched: list[ReplayedSession], piece: _Piece) -> ReplayedSession:
    """One session of those that a piece touches, and the piece."""
    if not touched:
        return ReplayedSession(piece.start, piece.last)
    first = touched[0]
    first.start = min(first.start, piece.start)
    first.last = max(piece.last, *(each.last for each in touched))
    for each in touched[1:]:
        first.slots += each.slots
        first.pieces += each.pieces
    return first


def _start(session: ReplayedSession) -> Time:
    return session.start
