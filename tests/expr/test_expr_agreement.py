"""Arrow kernels and DuckDB SQL give the same answer for every function and cast that has both, row by row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streamsql.errors import DataError
from streamsql.expr import types as t
from streamsql.expr.compile import compile_expr
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_connection import open_connection
from streamsql.expr.duckdb_kernel import as_type
from streamsql.expr.duckdb_sql import duckdb_sql
from streamsql.expr.literals import to_array
from streamsql.expr.nodes import ColumnRef, Expr, Literal
from streamsql.expr.properties import can_fail
from streamsql.expr.resolve import resolve_call, resolve_case, resolve_cast
from streamsql.expr.types import Kind, SqlType, arrow_type
from streamsql.time import ManualClock

CONTEXT = EvalContext(clock=ManualClock(1_748_859_630_456_000), start=1_748_859_630_456_000)
FAILED = "failed"
Case = tuple[str, Any, list[SqlType], bool]
DAY = 86_400_000_000


@pytest.fixture(scope="module")
def connection() -> Any:
    return open_connection(CONTEXT)


def _integers(bits: int) -> st.SearchStrategy[int]:
    half = 1 << (bits - 1)
    small = st.sampled_from([0, 1, -1, 2, -2, 3, 7, 10, -10, 49, 50, -half, -half + 1, half - 1])
    return small | st.integers(-half, half - 1)


DOUBLES = st.sampled_from(
    [
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.5,
        2.345,
        1.005,
        -2.5,
        1e20,
        1e-5,
        12345678.9,
        1e300,
        3.99,
        99999.5,
        2147483648.0,
        1e15,
        9.5e-4,
    ]
    + [math.nan, math.inf, -math.inf]
) | st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
FLOATS = st.sampled_from(
    [0.0, -0.0, 1.0, -1.5, 2.345, 1e20, 1e-5, 12345678.9, 99999.5, math.nan, math.inf, -math.inf]
) | st.floats(-1e3, 1e3).map(lambda x: round(x, 2))
TEXTS = st.sampled_from(
    [
        "",
        " ",
        "a",
        "abc",
        "Hello, World",
        "żółć naïve 日本",
        "  padded  ",
        "x=1&y=22",
        "a.b.c",
        "100%",
        "a_b",
        "aaa",
        "42nd MiXeD",
    ]
) | st.text("aAbB 1.%_,", max_size=6)
NUMBER_TEXTS = st.sampled_from(
    [
        "42",
        " 7 ",
        "3.99",
        "",
        "abc",
        "1e3",
        "-0",
        "+5",
        "9223372036854775808",
        "-9223372036854775808",
        "0x1F",
        "00012",
        "3.",
    ]
    + [
        ".5",
        "NaN",
        "Infinity",
        "1.5f",
        "128",
        "-129",
        "TRUE",
        "no",
        "2147483648",
        "1.005",
        "99999.95",
        "1e400",
        "12 3",
        "- 1",
    ]
)
TIME_TEXTS = st.sampled_from(
    [
        "2025-02-30",
        "2025-1-2 3:4:5",
        "2025-01-02 24:00:00",
        "2025-01-02T00:00:00",
        " 2025-01-02",
        "2025-01-02 00:00",
        "42",
    ]
    + [
        "2025-01-02 10:00:00.123456789",
        "not a time",
        "",
        "1965-12-31 23:59:59.5",
        "2025-13-01",
        "2025-06-02 10:59:60",
        "10:20:30.5",
    ]
)
MICROS = st.sampled_from(
    [0, -1, 1, DAY - 1, -DAY, 1_740_787_199_999_000, 1_709_208_000_000_000, -142_080_344_984_000, 1_735_689_600_000_000]
) | st.integers(-60 * 365 * DAY, 130 * 365 * DAY)
DAYS = st.sampled_from([0, -1, 20_147, 19_782, -25_509, 20_089]) | st.integers(-20_000, 40_000)


def _decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    top = 10**precision - 1
    whole = st.sampled_from(
        [0, 1, -1, 5, -5, 15, top, -top, 10**scale, 2**32 * 10**scale - 5 * 10**scale // 10]
    ) | st.integers(-top, top)
    return whole.map(lambda each: Decimal(f"{max(-top, min(top, each))}E-{scale}"))


VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.BOOLEAN: st.booleans(),
    Kind.TINYINT: _integers(8),
    Kind.SMALLINT: _integers(16),
    Kind.INT: _integers(32),
    Kind.BIGINT: _integers(64),
    Kind.FLOAT: FLOATS.map(lambda x: pa.scalar(x, pa.float32()).as_py()),
    Kind.DOUBLE: DOUBLES,
    Kind.VARCHAR: TEXTS,
    Kind.DATE: DAYS,
    Kind.TIME: st.integers(0, DAY - 1),
    Kind.TIMESTAMP: MICROS,
    Kind.TIMESTAMP_LTZ: MICROS,
    Kind.INTERVAL_DAY: st.integers(-40 * DAY, 40 * DAY),
    Kind.INTERVAL_MONTH: st.integers(-30, 30),
}


def values(type_: SqlType) -> st.SearchStrategy[Any]:
    if type_.kind is Kind.VARCHAR and type_.precision:
        one = NUMBER_TEXTS if type_ == NUMBER_TEXT else TIME_TEXTS
    elif type_.kind is Kind.DECIMAL:
        one = _decimals(type_.precision or 0, type_.scale or 0)
    elif type_.kind is Kind.ARRAY:
        one = st.lists(values(type_.children[0]), max_size=3).map(tuple)
    else:
        one = VALUES[type_.kind]
    return st.one_of(one, one, one, st.none())


def make_batch(types: Sequence[SqlType], rows: list[Any]) -> pa.RecordBatch:
    arrays = [to_array(type_, [row[index] for row in rows]) for index, type_ in enumerate(types)]
    return pa.RecordBatch.from_arrays(arrays, names=[f"c{index}" for index in range(len(types))])


def in_arrow(expr: Expr, batch: pa.RecordBatch) -> list[Any]:
    """The values of all rows; a row that fails on its own is FAILED."""
    kernel = compile_expr(expr, {index: index for index in range(batch.num_columns)}, CONTEXT)
    try:
        result = kernel(batch)
    except DataError:
        rows = (batch.slice(row, 1) for row in range(batch.num_rows))
        return [FAILED] if batch.num_rows == 1 else [in_arrow_row(kernel, each) for each in rows]
    assert result.type == arrow_type(expr.type) and len(result) == batch.num_rows
    return comparable(result)


def in_arrow_row(kernel: Any, row: pa.RecordBatch) -> Any:
    try:
        return comparable(kernel(row))[0]
    except DataError:
        return FAILED


def in_duckdb(exprs: list[Expr], batch: pa.RecordBatch, connection: Any, safe: bool) -> list[list[Any]]:
    """The values of each expression; `safe`: those of rows that fail are None."""
    columns = [each.cast(pa.int64()) if pa.types.is_duration(each.type) else each for each in batch.columns]
    table = pa.Table.from_arrays(columns, names=[f"c{index}" for index in range(len(columns))])
    names = {index: f"c{index}" for index in range(len(columns))}
    sql = [duckdb_sql(each, names, CONTEXT) for each in exprs]
    shown = (f"TRY({each}) AS r{index}" if safe else f"{each} AS r{index}" for index, each in enumerate(sql))
    try:
        result = connection.from_arrow(table).project(", ".join(shown)).to_arrow_table()
    except duckdb.Error:
        # DuckDB computes common parts of an expression outside of TRY.
        if not safe or batch.num_rows == 1:
            if not safe:
                raise
            return [[None] for _ in exprs]
        singles = [
            in_duckdb([each], batch.slice(row, 1), connection, True)[0][0]
            for each in exprs
            for row in range(len(table))
        ]
        return [singles[start : start + len(table)] for start in range(0, len(singles), len(table))]
    return [comparable(as_type(result.column(index), arrow_type(each.type))) for index, each in enumerate(exprs)]


def comparable(array: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(array.type) or pa.types.is_duration(array.type) or pa.types.is_time(array.type):
        array = array.view(pa.int64())
    return [repr(each) if isinstance(each, float) else each for each in array.to_pylist()]


def check(cases: list[Case], types: Sequence[SqlType], rows: list[Any], connection: Any) -> list[str]:
    """The differences between the engines, over all functions that take these columns."""
    batch = make_batch(types, rows)
    columns = [ColumnRef(id=index, type=type_) for index, type_ in enumerate(types)]
    exprs = [build(*columns) for _, build, _, _ in cases]
    risky = [can_fail(each) for each in exprs]
    found: dict[int, list[Any]] = {}
    for safe in (False, True):
        chosen = [index for index, fails in enumerate(risky) if fails is safe]
        if chosen:
            results = in_duckdb([exprs[index] for index in chosen], batch, connection, safe)
            found.update(zip(chosen, results, strict=True))
    differences = []
    for index, (name, _, _, close) in enumerate(cases):
        ours = in_arrow(exprs[index], batch)
        for row, left, right in zip(rows, ours, found[index], strict=True):
            if not agree(left, right, close):
                differences.append(f"{name} of {row}: Arrow {left!r}, DuckDB {right!r}")
        if risky[index] and FAILED in ours:
            differences += must_fail(name, exprs[index], batch, ours.index(FAILED), connection)
    return differences


def agree(left: Any, right: Any, close: bool) -> bool:
    if left == FAILED:
        return right is None
    if close and left is not None and right is not None:
        return left == right or math.isclose(float(left), float(right), rel_tol=1e-9)
    return bool(left == right)


def must_fail(name: str, expr: Expr, batch: pa.RecordBatch, row: int, connection: Any) -> list[str]:
    try:
        in_duckdb([expr], batch.slice(row, 1), connection, False)
    except duckdb.Error:
        return []
    return [f"{name} of {batch.slice(row, 1).to_pylist()[0]}: Arrow fails, DuckDB does not"]


def text(value: str) -> Literal:
    return Literal(value=value, type=t.char(len(value)).with_nullable(False))


def number(value: int) -> Literal:
    return Literal(value=value, type=t.INT.with_nullable(False))


def call(name: str, *fixed: Expr, first: bool = False) -> Any:
    """The function over the columns and, after (or before) them, constants."""
    return lambda *columns: resolve_call(name, (*fixed, *columns) if first else (*columns, *fixed))


def cast(type_: SqlType, safe: bool = False) -> Any:
    return lambda column: resolve_cast(column, type_, safe=safe)


NUMBER_TEXT, TIME_TEXT = SqlType(Kind.VARCHAR, 1001), SqlType(Kind.VARCHAR, 1002)
D73, D53, D382, D3810 = t.decimal(7, 3), t.decimal(5, 3), t.decimal(38, 2), t.decimal(38, 10)
TS, LTZ, S = t.timestamp(6), t.timestamp_ltz(6), t.STRING
NUMBERS = [t.TINYINT, t.SMALLINT, t.INT, t.BIGINT, t.FLOAT, t.DOUBLE, D73, D382]
CASES: list[Case] = []


def add(name: str, build: Any, *types: SqlType, close: bool = False) -> None:
    CASES.append((name, build, list(types), close))


for sign in ("+", "-", "*", "/", "%"):
    for type_ in [t.TINYINT, t.SMALLINT, t.INT, t.BIGINT, t.FLOAT, t.DOUBLE]:
        add(sign, call(sign), type_, type_)
    for pair in [
        (D73, D53),
        (D73, t.INT),
        (t.BIGINT, D53),
        (D73, t.DOUBLE),
        (t.INT, t.BIGINT),
        (t.TINYINT, t.INT),
        (t.decimal(20, 4), t.decimal(18, 6)),
    ]:
        add(sign, call(sign), *pair)
for sign in ("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"):
    for type_ in [t.INT, t.DOUBLE, D73, S, t.BOOLEAN, t.DATE, TS, LTZ]:
        add(sign, call(sign), type_, type_)
    add(sign, call(sign), t.INT, D73)
    add(sign, call(sign), t.BIGINT, t.DOUBLE)
    add(sign, call(sign), t.DATE, TS)
for sign in ("AND", "OR"):
    add(sign, call(sign), t.BOOLEAN, t.BOOLEAN)
for test in (
    "NOT",
    "IS TRUE",
    "IS NOT TRUE",
    "IS FALSE",
    "IS NOT FALSE",
    "IS UNKNOWN",
    "IS NOT UNKNOWN",
    "IS NULL",
    "IS NOT NULL",
):
    add(test, call(test), t.BOOLEAN)
for name in ("GREATEST", "LEAST", "COALESCE", "NULLIF"):
    for type_ in [t.INT, t.DOUBLE, D73, S, TS]:
        add(name, call(name), type_, type_)
    add(name, call(name), t.INT, D73)
for name in ("-", "ABS", "SIGN", "FLOOR", "CEIL", "ROUND", "TRUNCATE"):
    for type_ in NUMBERS:
        add(name, call(name), type_)
for name in ("ROUND", "TRUNCATE"):
    for count in (2, 1, -1, -3):
        for type_ in [t.INT, t.TINYINT, t.BIGINT, t.DOUBLE, t.FLOAT, D73, t.decimal(18, 6)]:
            add(f"{name} {count}", call(name, number(count)), type_)
for name in (
    "SQRT",
    "EXP",
    "LN",
    "LOG10",
    "LOG2",
    "SIN",
    "COS",
    "TAN",
    "ATAN",
    "SINH",
    "COSH",
    "TANH",
    "DEGREES",
    "RADIANS",
    "COT",
    "LOG",
):
    add(name, call(name), t.DOUBLE, close=True)
for name in ("POWER", "ATAN2", "LOG"):
    add(name, call(name), t.DOUBLE, t.DOUBLE, close=True)
add("IN", call("IN", number(1), number(7), number(-1)), t.INT)
add("IN", call("IN", text("a"), text("abc"), Literal(value=None, type=t.NULL)), S)
add("NOT IN", call("NOT IN", number(1), number(7)), t.BIGINT)
add("BETWEEN", call("BETWEEN", number(-5), number(50)), t.INT)
add("IF", lambda a, b: resolve_call("IF", (resolve_call(">", (a, b)), a, b)), t.INT, t.BIGINT)
add(
    "CASE /",
    lambda a, b: resolve_case([(resolve_call("<>", (b, number(0))), resolve_call("/", (a, b)))], None),
    t.INT,
    t.INT,
)
add(
    "AND /",
    lambda a, b: resolve_call(
        "AND", (resolve_call("<>", (b, number(0))), resolve_call(">", (resolve_call("/", (a, b)), number(1))))
    ),
    t.INT,
    t.INT,
)
add(
    "OR /",
    lambda a, b: resolve_call(
        "OR", (resolve_call("=", (b, number(0))), resolve_call(">", (resolve_call("/", (a, b)), number(1))))
    ),
    t.INT,
    t.INT,
)
for name in ("UPPER", "LOWER", "TRIM", "LTRIM", "RTRIM", "CHAR_LENGTH", "REVERSE", "INITCAP", "ASCII", "MD5"):
    add(name, call(name), S)
for start in (2, 0, -3, 9):
    add(f"SUBSTRING {start}", call("SUBSTRING", number(start)), S)
    add(f"SUBSTRING {start} 2", call("SUBSTRING", number(start), number(2)), S)
for count in (2, 0, -1):
    add(f"LEFT {count}", call("LEFT", number(count)), S)
    add(f"RIGHT {count}", call("RIGHT", number(count)), S)
for needle in ("a", "", "b.", "日"):
    add(f"POSITION {needle}", call("POSITION", text(needle), first=True), S)
    add(f"LOCATE {needle}", lambda s, needle=needle: resolve_call("LOCATE", (text(needle), s, number(2))), S)
add("REPLACE", call("REPLACE", text("a"), text("<>")), S)
add("LPAD", call("LPAD", number(5), text("*")), S)
add("RPAD", call("RPAD", number(5), text("*")), S)
add("REPEAT", call("REPEAT", number(2)), S)
add("CHR", call("CHR"), t.BIGINT)
add("||", call("||"), S, S)
add("CONCAT_WS", call("CONCAT_WS", text("-"), first=True), S, S)
add("SPLIT", call("SPLIT", text(" ")), S)
add("STARTSWITH", call("STARTSWITH", text("a")), S)
add("ENDSWITH", call("ENDSWITH", text(" ")), S)
for pattern in ("a%", "%b", "%a%", "a_b", "_%", "a.b%", "abc", "%", "", "1%0\\%"):
    add(f"LIKE {pattern}", call("LIKE", text(pattern)), S)
add("LIKE ESCAPE", call("LIKE", text("%!%%"), text("!")), S)
add("SIMILAR TO", call("SIMILAR TO", text("[a-z].(b|c)%")), S)
for name in ("REGEXP", "REGEXP_EXTRACT", "REGEXP_SUBSTR", "REGEXP_COUNT"):
    add(name, call(name, text("[a-z]+b?")), S)
add("REGEXP_EXTRACT 2", call("REGEXP_EXTRACT", text("([a-z])=([0-9])"), number(2)), S)
add("REGEXP_REPLACE", call("REGEXP_REPLACE", text("[aeiou]+"), text("<\\1$1>")), S)
for unit in (
    "YEAR",
    "QUARTER",
    "MONTH",
    "WEEK",
    "DAY",
    "DOY",
    "DOW",
    "ISODOW",
    "ISOYEAR",
    "HOUR",
    "MINUTE",
    "SECOND",
    "MILLISECOND",
    "MICROSECOND",
    "EPOCH",
    "CENTURY",
    "DECADE",
):
    for type_ in (TS, t.DATE, LTZ):
        add(f"EXTRACT {unit}", call("EXTRACT", text(unit), first=True), type_)
for unit in ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"):
    for name in ("FLOOR", "CEIL"):
        add(f"{name} {unit}", call(name, text(unit)), TS)
        add(f"{name} {unit}", call(name, text(unit)), LTZ)
        if unit not in ("SECOND", "MINUTE", "HOUR"):
            add(f"{name} {unit}", call(name, text(unit)), t.DATE)
    add(f"TIMESTAMPDIFF {unit}", call("TIMESTAMPDIFF", text(unit), first=True), TS, TS)
    add(f"TIMESTAMPADD {unit}", lambda n, m, unit=unit: resolve_call("TIMESTAMPADD", (text(unit), n, m)), t.TINYINT, TS)
for moment in (TS, LTZ, t.DATE, t.time(6)):
    add("+ DAY", call("+"), moment, t.INTERVAL_DAY)
    add("- DAY", call("-"), moment, t.INTERVAL_DAY)
    if moment.kind is not Kind.TIME:
        add("+ MONTH", call("+"), moment, t.INTERVAL_MONTH)
        add("- MONTH", call("-"), moment, t.INTERVAL_MONTH)
add("- TIME", call("-"), TS, t.DATE)
for pattern in (
    "yyyy-MM-dd HH:mm:ss.SSS",
    "dd.MM.yy hh:mm a",
    "EEE, MMM d",
    "D",
    "EEEE 'at' H m s",
    "yyyyMMdd",
    "MMMM SSSSSS",
):
    add(f"DATE_FORMAT {pattern}", call("DATE_FORMAT", text(pattern)), TS)
add("FROM_UNIXTIME", call("FROM_UNIXTIME"), t.INT)
add("TO_TIMESTAMP_LTZ", call("TO_TIMESTAMP_LTZ", number(3)), t.INT)
for name in ("NOW", "CURRENT_DATE", "LOCALTIMESTAMP", "LOCALTIME", "PI"):
    add(name, lambda _, name=name: resolve_call(name, ()), t.INT)
add("[]", call("[]"), t.array(t.INT), t.INT)
add("ARRAY", lambda a, b: resolve_call("ARRAY", (a, b, number(7))), t.INT, t.INT)
add("CARDINALITY", call("CARDINALITY"), t.array(S))
for source in NUMBERS:
    for target in [*NUMBERS, t.BOOLEAN, S, t.decimal(5, 1), t.decimal(20, 6)]:
        add(f"CAST {target}", cast(target), source)
for target in [*NUMBERS, S, t.decimal(5, 1)]:
    add(f"CAST {target}", cast(target), t.BOOLEAN)
for source in (TS, LTZ, t.DATE, t.time(6)):
    for target in (t.timestamp(3), t.timestamp(0), t.DATE, t.time(0), t.timestamp_ltz(3), S):
        if {source.kind, target.kind} != {Kind.DATE, Kind.TIME}:
            add(f"CAST {target}", cast(target), source)
add("CAST VARCHAR(2)", cast(SqlType(Kind.VARCHAR, 2)), S)
add("CAST CHAR(5)", cast(t.char(5)), S)
add("CAST BYTES", cast(t.BYTES), S)


for target in [*NUMBERS, t.BOOLEAN, t.decimal(5, 1)]:
    add(f"CAST {target}", cast(target), NUMBER_TEXT)
    add(f"TRY_CAST {target}", cast(target, True), NUMBER_TEXT)
for target in [t.timestamp(3), t.timestamp(0), t.DATE, t.time(3), t.timestamp_ltz(3)]:
    add(f"CAST {target}", cast(target), TIME_TEXT)
    add(f"TRY_CAST {target}", cast(target, True), TIME_TEXT)
for pattern in ("yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss", "dd.MM.yy hh:mm a"):
    add(f"TO_TIMESTAMP {pattern}", call("TO_TIMESTAMP", text(pattern)), TIME_TEXT)
    add(f"TO_DATE {pattern}", call("TO_DATE", text(pattern)), TIME_TEXT)

BY_TYPES: dict[tuple[SqlType, ...], list[Case]] = {}
for case in CASES:
    BY_TYPES.setdefault(tuple(case[2]), []).append(case)


@pytest.mark.parametrize("types", list(BY_TYPES), ids=lambda types: ", ".join(str(each) for each in types))
@settings(max_examples=3, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(data=st.data())
def test_both_engines_agree(types: tuple[SqlType, ...], connection: Any, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(*(values(each) for each in types)), min_size=20, max_size=40))
    assert not (differences := check(BY_TYPES[types], types, rows, connection)), "\n".join(differences[:20])
