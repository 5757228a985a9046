"""Sessions of one key row by row: for the few islands that a closing session may have cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from streamsql.record import record
from streamsql.time import Duration, Time


@record(eq=False, frozen=False)
class ReplayedSession:
    """A session while it is replayed. `slots`: the sessions from before that are in it, the earliest first."""

    start: Time
    last: Time
    slots: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


@record(eq=False, frozen=False)
class Replay:
    """What the rows have made of the sessions: `open` ones by start, `closed` ones, and `late` rows."""

    open: list[ReplayedSession]
    closed: list[ReplayedSession] = field(default_factory=list)
    late: list[int] = field(default_factory=list)


def replay(
    sessions: list[ReplayedSession],
    rows: Sequence[int],
    times: Sequence[Time],
    watermarks: Sequence[Time],
    gap: Duration,
    tick: int,
) -> Replay:
    """Rows in order of arrival; `sessions` by start. A row is late where its session would be closed already."""
    state = Replay(sessions)
    for row, time, watermark in zip(rows, times, watermarks, strict=True):
        limit = watermark - gap + tick
        close(state, limit)
        touched = [each for each in state.open if each.start - gap <= time <= each.last + gap]
        if not touched and time <= limit:
            state.late.append(row)
            continue
        session = merged(touched, time)
        session.rows.append(row)
        state.open = sorted([each for each in state.open if each not in touched] + [session], key=_start)
    return state


def close(state: Replay, limit: Time) -> None:
    """Take out the sessions whose last row is not after `limit`."""
    if any(each.last <= limit for each in state.open):
        state.closed += [each for each in state.open if each.last <= limit]
        state.open = [each for each in state.open if each.last > limit]


def merged(touched: list[ReplayedSession], time: Time) -> ReplayedSession:
    """One session of those that a row touches, and the row."""
    if not touched:
        return ReplayedSession(time, time)
    first = touched[0]
    first.start = min(first.start, time)
    first.last = max(time, *(each.last for each in touched))
    for each in touched[1:]:
        first.slots += each.slots
        first.rows += each.rows
    return first


def _start(session: ReplayedSession) -> Time:
    return session.start
