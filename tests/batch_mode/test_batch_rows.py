"""Scans, projections, UNNEST, UNION ALL, ORDER BY and LIMIT in DuckDB."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from batch_plans import CONTEXT, Input, Rows, aggregate, call, field, query, ref, run, seconds, select

from streamsql.batch_mode.query import BatchQuery
from streamsql.errors import DataError
from streamsql.expr import types as t
from streamsql.expr.nodes import Literal
from streamsql.expr.resolve import resolve_call
from streamsql.expr.types import BIGINT, INT, STRING
from streamsql.plan.logical import Field, Filter, Limit, Plan, Project, Scan, Sort, SortKey, Union, Unnest, Values


def literal(value: Any, type_: t.SqlType) -> Literal:
    return Literal(type=type_, value=value)


def test_filter_keeps_arrival_order_and_drops_unknown():
    table = Input("t", {"x": (INT, [3, None, 1, 2])})
    condition = resolve_call(">", (ref(table.fields["x"]), literal(1, INT)))
    plan = Filter(input=table.scan(), predicate=condition, fields=table.scan().fields)
    assert run(plan, table) == [(3,), (2,)]


def test_a_column_may_be_delivered_twice_under_any_name():
    table = Input("t", {"a": (INT, [1]), "A": (INT, [2])})
    a, upper = table.fields.values()
    plan = select(table.scan(), a, upper, Field(a.id, "again", a.type))
    answer = query(plan, table).run()
    assert answer.column_names == ["a", "A", "again"]
    assert [column.to_pylist() for column in answer.columns] == [[1], [2], [1]]


def test_a_division_after_a_filter_sees_only_the_rows_that_pass():
    table = Input("t", {"a": (INT, list(range(3000))), "b": (INT, [each % 2 for each in range(3000)])})
    a, b = table.fields.values()
    not_zero = Filter(
        input=table.scan(),
        predicate=resolve_call("<>", (ref(b), literal(0, INT))),
        fields=(a, b),
    )
    quotient = resolve_call("/", (ref(a), ref(b)))
    large = Filter(input=not_zero, predicate=resolve_call(">", (quotient, literal(2990, INT))), fields=(a, b))
    assert run(select(large, a), table) == [(2991,), (2993,), (2995,), (2997,), (2999,)]


def test_values():
    fields = (field("a", INT), field("b", STRING))
    rows = tuple((literal(a, INT), literal(b, STRING)) for a, b in [(2, "x"), (None, None), (1, "y")])
    assert run(Values(rows=rows, fields=fields)) == [(2, "x"), (None, None), (1, "y")]
    assert run(Values(rows=(), fields=fields)) == []
    one_row = Values(rows=((),), fields=())
    seven = field("seven", INT)
    assert run(Project(input=one_row, exprs=(literal(7, INT),), fields=(seven,))) == [(7,)]


def unnest(table: Input, column: str, *elements: Field, outer: bool = False, ordinality: Field | None = None) -> Plan:
    added = elements if ordinality is None else (*elements, ordinality)
    plan = Unnest(
        input=table.scan(),
        expr=ref(table.fields[column]),
        elements=elements,
        ordinality=ordinality,
        outer=outer,
        fields=(*table.scan().fields, *added),
    )
    return select(plan, table.fields["k"], *added)


def test_unnest_of_arrays():
    lists = [["a", None], [], None, ["b"]]
    table = Input("t", {"k": (INT, [1, 2, 3, 4]), "l": (t.array(STRING), lists)})
    element, position = field("e", STRING), field("n", INT)
    inner = unnest(table, "l", element, ordinality=position)
    assert run(inner, table) == [(1, "a", 1), (1, None, 2), (4, "b", 1)]
    outer = unnest(table, "l", element, ordinality=position, outer=True)
    assert run(outer, table) == [(1, "a", 1), (1, None, 2), (2, None, None), (3, None, None), (4, "b", 1)]


def test_unnest_of_rows_skips_null_rows():
    type_ = t.array(t.row(("x", "y"), (INT, STRING)))
    lists = [[{"x": 1, "y": "a"}, None, {"x": None, "y": None}], [None]]
    table = Input("t", {"k": (INT, [1, 2]), "l": (type_, lists)})
    x, y, position = field("x", INT), field("y", STRING), field("n", INT)
    inner = unnest(table, "l", x, y, ordinality=position)
    assert run(inner, table) == [(1, 1, "a", 1), (1, None, None, 3)]
    outer = unnest(table, "l", x, y, outer=True)
    assert run(outer, table) == [(1, 1, "a"), (1, None, None), (2, None, None)]


def test_unnest_of_maps_and_multisets():
    table = Input("t", {"k": (INT, [1]), "m": (t.map_(STRING, INT), [[("a", 1), ("b", None)]])})
    key, value = field("key", STRING), field("value", INT)
    assert run(unnest(table, "m", key, value), table) == [(1, "a", 1), (1, "b", None)]
    multiset = t.SqlType(t.Kind.MULTISET, children=(STRING,))
    table = Input("t", {"k": (INT, [1]), "m": (multiset, [[("a", 2), ("b", 1)]])})
    assert run(unnest(table, "m", key), table) == [(1, "a"), (1, "a"), (1, "b")]


def test_listagg_over_unnest_goes_by_row_and_position():
    table = Input("t", {"k": (INT, [1, 2]), "l": (t.array(STRING), [["c", "a"], ["b"]])})
    element = field("e", STRING)
    words = unnest(table, "l", element)
    joined = aggregate(words, [], call("LISTAGG", element, type_=STRING, options=(" ",)))
    assert run(joined, table) == [("c a b",)]


def union(*branches: Plan) -> Union:
    fields = tuple(field(each.name, each.type) for each in branches[0].fields)
    return Union(branches=branches, fields=fields)


def test_union_merges_sources_by_their_watermarks():
    left = Input("l", {"ts": (t.timestamp(3), seconds(1, 5, 9)), "k": (STRING, ["l1", "l5", "l9"])}, time="ts")
    right = Input("r", {"ts": (t.timestamp(3), seconds(2, 3, 8)), "k": (STRING, ["r2", "r3", "r8"])}, time="ts")
    plan = union(select(left.scan(), left.fields["k"]), select(right.scan(), right.fields["k"]))
    # The watermark before each row: l1 and r2 none, l5 at 1, r3 at 2, r8 at 3, l9 at 5.
    assert run(plan, left, right) == [("l1",), ("r2",), ("l5",), ("r3",), ("r8",), ("l9",)]


def test_a_source_without_watermark_comes_first():
    left = Input("l", {"ts": (t.timestamp(3), seconds(1, 5)), "k": (STRING, ["l1", "l5"])}, time="ts")
    right = Input("r", {"k": (STRING, ["r1", "r2"])})
    plan = union(select(left.scan(), left.fields["k"]), right.scan())
    assert run(plan, left, right) == [("r1",), ("r2",), ("l1",), ("l5",)]


def test_one_table_in_two_branches_is_read_once():
    table = Input("t", {"x": (BIGINT, [1, 2, 3, 4])})
    x = table.fields["x"]
    small = Filter(
        input=table.scan(), predicate=resolve_call("<", (ref(x), literal(3, BIGINT))), fields=table.scan().fields
    )
    plan = union(table.scan(), small)
    assert run(plan, table) == [(1,), (1,), (2,), (2,), (3,), (4,)]


def test_sort_places_null_as_told_and_keeps_the_order_of_equal_rows():
    table = Input("t", {"x": (INT, [2, None, 1, 2]), "n": (INT, [0, 1, 2, 3])})
    by = SortKey(table.id("x"), ascending=False, nulls_first=False)
    plan = Sort(input=table.scan(), keys=(by,), fields=table.scan().fields)
    assert run(plan, table) == [(2, 0), (2, 3), (1, 2), (None, 1)]
    first = SortKey(table.id("x"))
    plan = Sort(input=table.scan(), keys=(first,), fields=table.scan().fields)
    limited = Limit(input=plan, limit=2, offset=1, fields=plan.fields)
    assert run(limited, table) == [(1, 2), (2, 0)]


def test_ties_of_an_updated_result_go_by_its_key():
    table = Input("t", {"k": (STRING, ["c", "b", "a", "d", "d"])})
    counts = aggregate(table.scan(), [table.fields["k"]], call("COUNT"))
    by = SortKey(counts.fields[1].id, ascending=False, nulls_first=False)
    ordered = Sort(input=counts, keys=(by,), fields=counts.fields)
    assert run(Limit(input=ordered, limit=3, fields=counts.fields), table) == [("d", 2), ("a", 1), ("b", 1)]
    assert run(Limit(input=counts, limit=2, fields=counts.fields), table) == [("a", 1), ("b", 1)]


def test_counting_needs_no_column():
    table = Input("t", {"k": (STRING, ["c", "b", "a", "d"])})
    scan = Scan(table=table.table, physical=(), fields=())
    assert run(aggregate(scan, [], call("COUNT")), table) == [(4,)]


def test_limit_takes_the_first_arrivals():
    table = Input("t", {"x": (INT, [5, 4, 3, 2, 1])})
    scan = table.scan()
    assert run(Limit(input=scan, limit=2, offset=1, fields=scan.fields), table) == [(4,), (3,)]
    assert run(Limit(input=scan, limit=None, offset=3, fields=scan.fields), table) == [(2,), (1,)]


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        (t.BOOLEAN, [True, None]),
        (t.TINYINT, [-128, 127]),
        (t.FLOAT, [0.5, None]),
        (t.decimal(38, 10), [None]),
        (t.BYTES, [b"\x00\xff", b""]),
        (t.DATE, [0, -1]),
        (t.time(3), [1_000, None]),
        (t.timestamp(6), [-1, None]),
        (t.timestamp_ltz(3), [1_000, None]),
        (t.array(t.array(INT)), [[[1], None, []], None]),
        (t.map_(STRING, t.array(t.DOUBLE)), [[("a", [1.5, None])], None, []]),
        (t.row(("a", "b"), (INT, t.timestamp(3))), [{"a": 1, "b": 0}, None]),
        (t.NULL, [None, None]),
        (t.INTERVAL_DAY, [-86_400_000_001, None]),
        (t.INTERVAL_MONTH, [14, None]),
        (t.array(t.INTERVAL_DAY), [[1, None], None]),
    ],
)
def test_every_type_comes_back_in_its_own_layout(type_: t.SqlType, values: list[Any]) -> None:
    table = Input("t", {"x": (type_, values)})
    answer = query(table.scan(), table).run()
    assert answer.column(0).type == t.arrow_type(type_)
    assert answer.column(0).combine_chunks().equals(pa.array(values, t.arrow_type(type_)))


def test_an_in_memory_table_is_read_without_what_it_took_back():
    table = Input("t", {"x": (INT, [1, 2, 1, 1, 2, 3])}, connector=None, weights=[1, 1, 1, -1, -1, 1])
    assert run(table.scan(), table) == [(1,), (3,)]


class Broken(Rows):
    """Delivers some rows, then fails."""

    def read(self, request):  # type: ignore[no-untyped-def]
        yield from super().read(request)
        raise DataError("line 7 is no JSON", hint="look at it")


def test_the_error_of_a_source_arrives_as_it_was_raised():
    table = Input("t", {"x": (INT, [1])})
    source = Broken(table.source.schema, [[1]])
    with pytest.raises(DataError) as caught:
        BatchQuery(table.scan(), lambda _: source, CONTEXT).run()
    assert (caught.value.message, caught.value.hint) == ("line 7 is no JSON", "look at it")


def test_an_expression_that_fails_is_bad_data():
    table = Input("t", {"a": (INT, [1, 0])})
    quotient = resolve_call("/", (literal(10, INT), ref(table.fields["a"])))
    plan = Project(input=table.scan(), exprs=(quotient,), fields=(field("q", INT),))
    with pytest.raises(DataError, match="batch run failed: Division by zero") as caught:
        run(plan, table)
    assert "Use TRY" not in caught.value.message


def test_rows_without_event_time_are_rejected_as_in_the_stream():
    table = Input("t", {"ts": (t.timestamp(3), seconds(1, None, 2))}, time="ts")
    batch = query(table.scan(), table)
    assert batch.run().num_rows == 2
    assert batch.rejects.counts() == {"t": 1}
