"""Every function: over NULLs, bounds and random values in both engines, and over arguments of wrong types."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streamsql.errors import DataError, StreamSqlError
from streamsql.expr import types as t
from streamsql.expr.compile import compile_expr
from streamsql.expr.duckdb_connection import open_connection
from streamsql.expr.nodes import Call, ColumnRef, Expr
from streamsql.expr.resolve import resolve_call
from streamsql.expr.types import FLOATS, SqlType
from tests.expr.agreement_cases import Case
from tests.expr.random_values import values
from tests.expr.reference_cases import Opened, literals_of, opened_examples
from tests.expr.test_expr_agreement import CONTEXT, check, make_batch

EXAMPLES = list(opened_examples())
OVER_COLUMNS = [each for each in EXAMPLES if each.types]
WRONG = (t.array(t.INT), t.map_(t.STRING, t.INT), t.BOOLEAN, t.BYTES, t.time(3), t.INTERVAL_MONTH, t.DOUBLE, t.STRING)


@pytest.fixture(scope="module")
def connection() -> Any:
    return open_connection(CONTEXT)


@pytest.mark.parametrize("opened", OVER_COLUMNS, ids=lambda each: each.name)
@settings(max_examples=1, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(data=st.data())
def test_both_engines_agree(opened: Opened, connection: Any, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(*(values(each) for each in opened.types)), min_size=25, max_size=25))
    case = Case(opened.name, lambda *columns: opened.call, opened.types, close=opened.call.type.kind in FLOATS)
    assert not (differences := check([case], opened.types, rows, connection)), "\n".join(differences[:10])


NEVER_NULL = {
    *("IS NULL", "IS NOT NULL", "IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NOT FALSE", "IS UNKNOWN", "IS NOT UNKNOWN"),
    *("IS DISTINCT FROM", "IS NOT DISTINCT FROM", "IS JSON", "IS_ALPHA", "IS_DIGIT", "IS_DECIMAL"),
    *("ARRAY", "MAP", "ROW", "JSON_OBJECT", "JSON_ARRAY", "PRINTF"),
}
NULL_IS_A_VALUE = {"AND", "OR", "COALESCE", "IN", "CONCAT_WS", "JSON_VALUE"} | {
    f"ARRAY_{each}" for each in ("APPEND", "PREPEND", "REMOVE")
}
"""Functions that give something else than NULL for some NULL argument, as their descriptions say."""


@pytest.mark.parametrize("opened", OVER_COLUMNS, ids=lambda each: each.name)
def test_null_gives_null(opened: Opened) -> None:
    nulls = make_batch(opened.types, [tuple(None for _ in opened.types)] * 2)
    kernel = compile_expr(opened.call, {index: index for index in range(len(opened.types))}, CONTEXT)
    assert len(kernel(nulls.slice(0, 0))) == 0
    if opened.name == "MAP":
        with pytest.raises(DataError, match="Map keys can not be NULL"):
            kernel(nulls)
        return
    result = kernel(nulls)
    assert result.null_count == (0 if opened.name in NEVER_NULL else 2), result.to_pylist()


@pytest.mark.parametrize("opened", OVER_COLUMNS, ids=lambda each: each.name)
def test_one_null_gives_null(opened: Opened) -> None:
    values_ = [each.value for each in literals_of(opened)]
    if opened.name in NEVER_NULL | NULL_IS_A_VALUE or len(values_) < len(opened.types):
        return
    rows = [tuple(None if at == gone else each for at, each in enumerate(values_)) for gone in range(len(values_))]
    kernel = compile_expr(opened.call, {index: index for index in range(len(opened.types))}, CONTEXT)
    assert kernel(make_batch(opened.types, rows)).to_pylist() == [None] * len(rows)


@pytest.mark.parametrize("opened", EXAMPLES, ids=lambda each: each.name)
def test_wrong_types_are_refused_or_have_a_meaning(opened: Opened) -> None:
    for place in range(len(opened.given)):
        for type_ in WRONG:
            args: list[Expr] = list(opened.given)
            args[place] = ColumnRef(id=7, type=type_, name="wrong")
            _refused_or_runs(opened.call.function, args, type_)


def _refused_or_runs(name: str, args: list[Expr], type_: SqlType) -> None:
    try:
        expr = resolve_call(name, tuple(args))
    except StreamSqlError as error:
        assert error.message
        return
    ids = sorted({each.id for each in args if isinstance(each, ColumnRef)})
    batch = pa.RecordBatch.from_arrays(
        [pa.nulls(1, _arrow(args, id_, type_)) for id_ in ids], names=[str(id_) for id_ in ids]
    )
    try:
        assert len(compile_expr(expr, {id_: index for index, id_ in enumerate(ids)}, CONTEXT)(batch)) == 1
    except DataError as error:
        assert error.message


def _arrow(args: list[Expr], id_: int, type_: SqlType) -> pa.DataType:
    found = next(each for each in args if isinstance(each, ColumnRef) and each.id == id_)
    return t.arrow_type(found.type)


def test_most_functions_take_columns() -> None:
    assert len(OVER_COLUMNS) > 150
    assert all(isinstance(each.call, Call) for each in EXAMPLES)
