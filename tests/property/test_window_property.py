"""Windows over random rows, disorder and cuts: equal to a naive row-by-row model, however the input is cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsql.batch import Batch
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import BIGINT, STRING, schema, timestamp
from streamsql.expr.windows import Cumulate, Hop, Session, Tumble
from streamsql.operators.base import LateRows, Operator
from streamsql.operators.session_aggregate import SessionAggregate
from streamsql.operators.window_aggregate import WindowAggregate
from streamsql.row_watermarks import GivenWatermarks
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME, tick

INPUT = schema(("k", STRING), ("v", BIGINT), ("text", STRING), ("ts", timestamp(6)))
BOUNDS = (("window_start", timestamp(6)), ("window_end", timestamp(6)), ("window_time", timestamp(6)))
OUTPUT = schema(("k", STRING), ("n", BIGINT), ("s", BIGINT), ("d", BIGINT), ("texts", STRING), *BOUNDS)
CALLS = (
    AggregateCall("COUNT", (), BIGINT),
    AggregateCall("SUM", (1,), BIGINT, (BIGINT,)),
    AggregateCall("COUNT", (1,), BIGINT, (BIGINT,), distinct=True),
    AggregateCall("LISTAGG", (2,), STRING, (STRING,), options=(",",)),
)
PRECISION = 6
TICK = tick(PRECISION)
SETTINGS = settings(derandomize=True, deadline=None, max_examples=30)


@dataclass(frozen=True)
class Row:
    key: str | None
    value: int | None
    time: int
    watermark: int
    number: int
    text: str
    weight: int = 1

    def equals(self, other: Row) -> bool:
        return replace(self, watermark=0, number=0, weight=1) == replace(other, watermark=0, number=0, weight=1)


def stream(times: list[int], keys: list[str | None], values: list[int | None], delay: int) -> list[Row]:
    """Rows with the watermark that held when each arrived: the largest time so far minus the delay."""
    rows, highest = [], BEGIN_OF_TIME
    for number, (time, key, value) in enumerate(zip(times, keys, values, strict=True)):
        rows.append(Row(key, value, time, highest, number, f"t{number % 5}"))
        highest = max(highest, time - delay)
    return rows


@st.composite
def streams(draw: st.DrawFn, largest: int = 60, size: int = 40) -> list[Row]:
    count = draw(st.integers(1, size))
    times = draw(st.lists(st.integers(-largest, largest), min_size=count, max_size=count))
    if draw(st.booleans()):
        times = [time + 3 * index for index, time in enumerate(times)]
    keys = draw(st.lists(st.sampled_from([None, "a", "b", "ż"]), min_size=count, max_size=count))
    values = draw(st.lists(st.sampled_from([None, 1, 2, 5]), min_size=count, max_size=count))
    return stream(times, keys, values, draw(st.sampled_from([0, 0, 1, 7, 30])))


@st.composite
def steady_streams(draw: st.DrawFn) -> list[Row]:
    """Many rows of a key close together, a few far behind: sessions that are cut between long runs."""
    count = draw(st.integers(20, 120))
    paces = draw(st.lists(st.sampled_from([0, 0, 1, 1, 2, 25]), min_size=count, max_size=count))
    behind = draw(st.lists(st.sampled_from([*[0] * 12, 1, 5, 12, 20, 40]), min_size=count, max_size=count))
    now = np.cumsum(paces).tolist()
    keys = draw(st.lists(st.sampled_from(["a", "a", "b"]), min_size=count, max_size=count))
    times = [time - back for time, back in zip(now, behind, strict=True)]
    return stream(times, list(keys), [1] * count, draw(st.sampled_from([0, 1, 6, 15])))


@st.composite
def changelogs(draw: st.DrawFn) -> list[Row]:
    """Rows with distinct texts, some of which are taken back later (each at most once)."""
    changes: list[Row] = []
    for row in draw(streams(size=25)):
        changes.append(replace(row, text=f"t{row.number}"))
        added = [each for each in changes if each.weight == 1]
        taken = {each.text for each in changes if each.weight == -1}
        if draw(st.integers(0, 2)) == 0:
            victim = added[draw(st.integers(0, len(added) - 1))]
            if victim.text not in taken:
                changes.append(replace(victim, weight=-1))
    highest, rows = BEGIN_OF_TIME, []
    delay = draw(st.sampled_from([0, 5, 40]))
    for number, change in enumerate(changes):
        rows.append(replace(change, number=number, watermark=highest))
        highest = max(highest, change.time - delay)
    return rows


@st.composite
def cuts(draw: st.DrawFn) -> list[int]:
    return draw(st.lists(st.integers(1, 9), min_size=1, max_size=5))


def batch_of(rows: list[Row]) -> Batch:
    columns = [
        pa.array([row.key for row in rows], pa.string()),
        pa.array([row.value for row in rows], pa.int64()),
        pa.array([row.text for row in rows], pa.string()),
        pa.array([row.time for row in rows], pa.int64()).cast(pa.timestamp("us")),
    ]
    weights = None if all(row.weight == 1 for row in rows) else np.array([row.weight for row in rows], np.int8)
    watermarks = np.array([row.watermark for row in rows], np.int64)
    return Batch(pa.RecordBatch.from_arrays(columns, schema=INPUT.to_arrow()), weights, GivenWatermarks(watermarks))


def batches(rows: list[Row], lengths: list[int]) -> Iterator[list[Row]]:
    start, turn = 0, 0
    while start < len(rows):
        length = lengths[turn % len(lengths)]
        yield rows[start : start + length]
        start, turn = start + length, turn + 1


@dataclass
class Outcome:
    """What came out: emitted rows in order, and (row text, time, start, end) of what was missed."""

    rows: list[tuple[object, ...]] = field(default_factory=list)
    missed: list[tuple[object, ...]] = field(default_factory=list)

    def note(self, late: LateRows) -> None:
        times = late.rows.column(3).cast(pa.int64()).to_pylist()
        assert late.lateness.tolist() == [w - t for w, t in zip(late.watermarks.tolist(), times, strict=True)]
        counts = np.bincount(late.missed[:, 0], minlength=late.rows.num_rows)
        assert counts.tolist() == late.windows_missed.tolist()
        self.missed += [(times[row], start, end) for row, start, end in late.missed.tolist()]


def run(operator: Operator, rows: list[Row], lengths: list[int]) -> Outcome:
    outcome = Outcome()
    operator.on_late = outcome.note
    parts = list(batches(rows, lengths))
    taken_back = any(row.weight < 0 for row in rows)
    for index, part in enumerate(parts):
        outcome.rows += emitted(operator.on_batch(batch_of(part)), taken_back=taken_back)
        following = parts[index + 1][0].watermark if index + 1 < len(parts) else END_OF_TIME
        outcome.rows += emitted(operator.on_watermark(following), taken_back=taken_back)
    assert sum(state.rows for state in operator.states().values()) == 0
    return outcome


def emitted(output: object, *, taken_back: bool = False) -> list[tuple[object, ...]]:
    """The rows; they lie after their watermarks, but for sessions that end early because a row was taken back."""
    rows: list[tuple[object, ...]] = []
    for each in output:  # type: ignore[attr-defined]
        assert each.weights is None
        columns = [column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in each.rows]
        rows += zip(*(column.to_pylist() for column in columns), strict=True)
        last_moments = each.rows.column(each.rows.num_columns - 1).cast(pa.int64()).to_numpy()
        assert taken_back or (each.watermarks.values < last_moments).all()
    return rows


def by_key(key: str | None) -> tuple[bool, str]:
    return (key is not None, key or "")


def result(rows: list[Row], start: int, end: int) -> tuple[object, ...]:
    values = [row.value for row in rows if row.value is not None]
    total = sum(values) if values else None
    texts = ",".join(row.text for row in rows)
    return (rows[0].key, len(rows), total, len(set(values)), texts, start, end, end - TICK)


def windows_of(window: Tumble | Hop | Cumulate, time: int) -> list[tuple[int, int]]:
    """All (start, end) that a time lies in, by trying every start nearby."""
    match window:
        case Tumble(size=size, offset=offset):
            starts = [start for start in range(time - size + 1, time + 1) if (start - offset) % size == 0]
            return [(start, start + size) for start in starts]
        case Hop(slide=slide, size=size, offset=offset):
            starts = [start for start in range(time - size + 1, time + 1) if (start - offset) % slide == 0]
            return [(start, start + size) for start in starts]
        case Cumulate(step=step, size=size, offset=offset):
            start = next(start for start in range(time, time - size, -1) if (start - offset) % size == 0)
            ends = [*range(start + step, start + size, step), start + size]
            return [(start, end) for end in ends if end > time]


def model(window: Tumble | Hop | Cumulate, rows: list[Row]) -> Outcome:
    """One row after the other: put it into its open windows, then close what the watermark has passed."""
    open_windows: dict[tuple[int, int], dict[str | None, list[Row]]] = defaultdict(lambda: defaultdict(list))
    outcome = Outcome()
    for index, row in enumerate(rows):
        for start, end in sorted(windows_of(window, row.time)):
            if row.watermark >= end - TICK:
                outcome.missed.append((row.time, start, end))
            elif row.weight == 1:
                open_windows[end, start][row.key].append(row)
            else:
                group = open_windows[end, start][row.key]
                group.remove(next(each for each in group if each.equals(row)))
        watermark = rows[index + 1].watermark if index + 1 < len(rows) else END_OF_TIME
        for end, start in sorted(open_windows):
            if watermark >= end - TICK:
                groups = open_windows.pop((end, start))
                outcome.rows += [result(groups[key], start, end) for key in sorted(groups, key=by_key) if groups[key]]
    return outcome


def sizes() -> st.SearchStrategy[int]:
    return st.integers(1, 25)


def windows() -> st.SearchStrategy[Tumble | Hop | Cumulate]:
    offsets = st.integers(-30, 30)
    return st.one_of(
        st.builds(Tumble, sizes(), offsets),
        st.builds(Hop, sizes(), sizes(), offsets),
        st.builds(Cumulate, st.integers(1, 10), sizes(), offsets).filter(lambda each: each.step <= each.size),
    )


def aggregate(window: Tumble | Hop | Cumulate, append_only: bool = True) -> WindowAggregate:
    return WindowAggregate(INPUT, window, 3, PRECISION, [0], CALLS, OUTPUT, append_only, True)


@SETTINGS
@given(windows(), streams(), cuts())
def test_window_aggregate_equals_the_model(
    window: Tumble | Hop | Cumulate, rows: list[Row], lengths: list[int]
) -> None:
    expected = model(window, rows)
    for each in ([1], lengths, [len(rows)]):
        actual = run(aggregate(window), rows, each)
        assert actual.rows == expected.rows
        assert actual.missed == expected.missed


def session_model(gap: int, rows: list[Row], keyed: bool = True) -> Outcome:
    """One row after the other: merge it with the open sessions of its key that it touches, or drop it."""
    sessions: dict[str | None, list[list[Row]]] = defaultdict(list)
    outcome = Outcome()
    for index, row in enumerate(rows):
        own = sessions[row.key if keyed else None]
        (add if row.weight == 1 else take_back)(own, row, gap, outcome)
        watermark = rows[index + 1].watermark if index + 1 < len(rows) else END_OF_TIME
        closing = [
            (last(session) + gap, by_key(key), sorted(session, key=lambda row: row.number))
            for key, own in sessions.items()
            for session in own
            if watermark >= last(session) + gap - TICK
        ]
        for end, _, session in sorted(closing, key=lambda each: each[:2]):
            outcome.rows.append(result(session, first(session), end))
        for own in sessions.values():
            own[:] = [each for each in own if watermark < last(each) + gap - TICK]
    return outcome


def add(own: list[list[Row]], row: Row, gap: int, outcome: Outcome) -> None:
    touched = [each for each in own if first(each) - gap <= row.time <= last(each) + gap]
    merged = [*(each for session in touched for each in session), row]
    if last(merged) + gap - TICK <= row.watermark:
        outcome.missed.append((row.time, row.time, row.time + gap))
    else:
        own[:] = [each for each in own if each not in touched] + [merged]


def take_back(own: list[list[Row]], row: Row, gap: int, outcome: Outcome) -> None:
    for session in own:
        for each in session:
            if each.equals(row):
                own.remove(session)
                rest = sorted((other for other in session if other is not each), key=lambda other: other.time)
                for before, other in zip([None, *rest], rest, strict=False):
                    if before is None or other.time - before.time > gap:
                        own.append([])
                    own[-1].append(other)
                return
    outcome.missed.append((row.time, row.time, row.time + gap))


def first(session: list[Row]) -> int:
    return min(row.time for row in session)


def last(session: list[Row]) -> int:
    return max(row.time for row in session)


@SETTINGS
@given(st.integers(1, 20), st.one_of(streams(), steady_streams()), cuts())
def test_session_aggregate_equals_the_model(gap: int, rows: list[Row], lengths: list[int]) -> None:
    expected = session_model(gap, rows)
    for each in ([1], lengths, [len(rows)]):
        operator = SessionAggregate(INPUT, Session(gap), 3, PRECISION, [0], CALLS, OUTPUT, True, True)
        actual = run(operator, rows, each)
        assert actual.rows == expected.rows
        assert actual.missed == expected.missed


@SETTINGS
@given(windows(), changelogs(), cuts())
def test_rows_taken_back_from_windows(window: Tumble | Hop | Cumulate, rows: list[Row], lengths: list[int]) -> None:
    expected = model(window, rows)
    for each in ([1], lengths, [len(rows)]):
        actual = run(aggregate(window, append_only=False), rows, each)
        assert actual.rows == expected.rows
        assert actual.missed == expected.missed


@SETTINGS
@given(st.integers(1, 20), changelogs(), cuts())
def test_rows_taken_back_from_sessions(gap: int, rows: list[Row], lengths: list[int]) -> None:
    expected = session_model(gap, rows)
    for each in ([1], lengths, [len(rows)]):
        operator = SessionAggregate(INPUT, Session(gap), 3, PRECISION, [0], CALLS, OUTPUT, False, True)
        actual = run(operator, rows, each)
        # A session that ends early by a row taken back comes before or after those that the same watermark closes.
        assert sorted(actual.rows, key=repr) == sorted(expected.rows, key=repr)
        assert actual.missed == expected.missed
