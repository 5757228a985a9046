"""The changelog: net changes, row kinds, folding."""

from __future__ import annotations

import random
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsql.batch import Batch
from streamsql.errors import DataError
from streamsql.runtime.changelog import consolidate, fold, row_kinds
from streamsql.runtime.changelog_text import format_changes, parse_changes
from streamsql.runtime.output import TableOutput, weights_of

SCHEMA = pa.schema([("k", pa.string()), ("n", pa.int64())])


def changes(text: str) -> Batch:
    return parse_changes(text, SCHEMA)


def shown(batch: Batch, key: tuple[int, ...] | None = None) -> list[str]:
    rows, kinds = row_kinds(batch, key)
    return format_changes(rows, kinds).split("\n") if rows.num_rows else []


def test_append_only_batches_are_not_touched() -> None:
    batch = changes("+I a 1\n+I a 1")
    assert consolidate([batch]) is batch
    assert row_kinds(batch, (0,))[1] is None


def test_a_row_added_and_taken_back_in_one_step_is_never_seen() -> None:
    net = consolidate([changes("+I a 1\n-D b 2"), changes("-D a 1\n+I b 2\n+I c 3")])
    assert shown(net) == ["+I c 3"]


def test_of_equal_rows_the_first_remain_and_order_is_kept() -> None:
    net = consolidate([changes("+I a 1\n+I b 1\n-D a 1\n+I a 1\n+I a 1\n-D c 1")])
    assert shown(net) == ["+I a 1", "+I b 1", "+I a 1", "-D c 1"]


def test_null_and_nested_rows_cancel() -> None:
    rows = pa.record_batch([pa.array([[1, None], [1, None], None, None])], ["a"])
    batch = Batch(rows, changes("+I a 1\n-D a 1\n-D a 1\n+I a 1").weights)
    assert len(consolidate([batch])) == 0


def test_a_pair_of_one_key_is_an_update_with_its_halves_side_by_side() -> None:
    batch = changes("-D a 1\n-D b 1\n+I c 1\n+I b 2\n+I a 2\n-D d 9")
    assert shown(batch, (0,)) == ["-U a 1", "+U a 2", "-U b 1", "+U b 2", "+I c 1", "-D d 9"]


def test_an_added_row_before_its_taken_back_half_is_turned_round() -> None:
    assert shown(changes("+I a 2\n-D a 1"), (0,)) == ["-U a 1", "+U a 2"]


def test_neighbouring_pairs_stay_where_they_are() -> None:
    batch = changes("-D a 1\n+I a 2\n+I b 1\n-D NULL 1\n+I NULL 2")
    assert shown(batch, (0,)) == ["-U a 1", "+U a 2", "+I b 1", "-U NULL 1", "+U NULL 2"]


def test_without_a_key_there_are_no_updates() -> None:
    assert shown(changes("-D a 1\n+I a 2"), None) == ["-D a 1", "+I a 2"]


def test_a_key_of_no_columns_is_the_key_of_one_row() -> None:
    assert shown(changes("-D a 1\n+I b 2"), ()) == ["-U a 1", "+U b 2"]


def test_folding_an_append_only_log_keeps_arrival_order() -> None:
    assert fold([changes("+I b 1"), changes("+I a 2")], SCHEMA).to_pylist() == [{"k": "b", "n": 1}, {"k": "a", "n": 2}]


def test_folding_updates_gives_the_table_by_key() -> None:
    table = fold([changes("+I b 1\n+I a 5"), changes("-U b 1\n+U b 2\n+I NULL 3\n-D a 5\n+I a 4")], SCHEMA, (0,))
    assert table.to_pylist() == [{"k": None, "n": 3}, {"k": "a", "n": 4}, {"k": "b", "n": 2}]


def test_without_a_key_the_table_is_ordered_by_all_columns_nan_last() -> None:
    schema = pa.schema([("x", pa.float64()), ("n", pa.int64())])
    log = parse_changes("+I nan 1\n+I 2.5 2\n+I NULL 3\n+I 2.5 1\n+I 7 7\n-D 7 7", schema)
    assert format_changes(fold([log], schema).to_batches()[0]) == "+I NULL 3\n+I 2.5 1\n+I 2.5 2\n+I nan 1"


def test_taking_back_a_row_that_was_never_added_is_an_error() -> None:
    with pytest.raises(DataError, match=r"not in the result: \{'k': 'a', 'n': 1\}"):
        fold([changes("+I b 1\n-D a 1"), changes("+I a 1")], SCHEMA)


def test_nothing_folds_to_an_empty_table() -> None:
    assert fold([], SCHEMA).num_rows == 0
    assert fold([changes("+I a 1\n-D a 1")], SCHEMA).schema == SCHEMA


ROWS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.booleans()), max_size=30)


def random_log(rows: list[tuple[str, int, bool]]) -> list[tuple[str, str, int]]:
    """Changes in which a row is taken back only while it is there."""
    present: Counter[tuple[str, int]] = Counter()
    log = []
    for key, number, back in rows:
        taken = back and present[key, number] > 0
        present[key, number] += -1 if taken else 1
        log.append(("-D" if taken else "+I", key, number))
    return log


@settings(derandomize=True, deadline=None, max_examples=200)
@given(ROWS, st.integers(1, 7))
def test_folding_steps_of_net_changes_gives_what_counting_gives(rows: list[tuple[str, int, bool]], cut: int) -> None:
    log = random_log(rows)
    expected: Counter[tuple[str, int]] = Counter()
    for kind, key, number in log:
        expected[key, number] += 1 if kind == "+I" else -1
    steps = [log[begin : begin + cut] for begin in range(0, len(log), cut)]
    batches = [changes("\n".join(f"{kind} {key} {number}" for kind, key, number in step)) for step in steps]
    for key in (None, (0,)):  # of rows of one key that do not come in turn, none is lost either
        table = fold([consolidate([each]) for each in batches], SCHEMA, key)
        assert Counter((row["k"], row["n"]) for row in table.to_pylist()) == +expected


@settings(derandomize=True, deadline=None, max_examples=200)
@given(ROWS, st.integers(1, 7))
def test_folding_by_a_key_gives_its_last_row(rows: list[tuple[str, int, bool]], cut: int) -> None:
    log, table = [], dict[str, int]()
    for key, number, back in rows:
        if key in table:
            log.append(f"-U {key} {table.pop(key)}")
        if not back:
            table[key] = number
            log.append(f"+U {key} {number}")
    batches = [changes("\n".join(log[begin : begin + cut])) for begin in range(0, len(log), cut)]
    assert {row["k"]: row["n"] for row in fold(batches, SCHEMA, (0,)).to_pylist()} == table


@pytest.mark.parametrize("taken", ["a 2", "b 1"])
def test_a_key_does_not_excuse_a_wrong_row(taken: str) -> None:
    with pytest.raises(DataError, match="a row was taken back that is not in the result"):
        fold([changes(f"+I a 1\n-D {taken}")], SCHEMA, (0,))


def test_a_table_output_forgets_what_was_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamsql.runtime.folded_rows.COMPACT_ROWS", 4)
    output = TableOutput()
    output.open(_schema(), (0,))
    shuffled = random.Random(0)
    output.publish(*row_kinds(changes("+I a 0\n+I b 0"), (0,)))
    last = {"a": 0, "b": 0}
    for number in range(1, 50):
        key = shuffled.choice("ab")
        output.publish(*row_kinds(changes(f"-U {key} {last[key]}\n+U {key} {number}"), (0,)))
        last[key] = number
    assert output.to_table().to_pylist() == [{"k": key, "n": last[key]} for key in "ab"]
    assert sum(len(each) for each in output._folded.changes) < 12


def test_kinds_become_weights() -> None:
    _, kinds = row_kinds(changes("-D a 1\n+I a 2\n+I b 1\n-D c 1"), (0,))
    weights = weights_of(kinds)
    assert weights is not None and weights.tolist() == [-1, 1, 1, -1]


def _schema():  # type: ignore[no-untyped-def]
    from streamsql.expr.types import BIGINT, STRING, schema

    return schema(("k", STRING), ("n", BIGINT))
