"""Functions and casts over columns of given types: what the agreement test runs through both engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streamsql.expr import types as t
from streamsql.expr.nodes import Expr, Literal
from streamsql.expr.resolve import resolve_call, resolve_case, resolve_cast
from streamsql.expr.types import Kind, SqlType
from tests.expr.random_values import NUMBER_TEXT, TIME_TEXT


@dataclass(frozen=True)
class Case:
    """An expression over columns of these types; `close`: doubles may differ in their last digits."""

    name: str
    build: Callable[..., Expr]
    types: tuple[SqlType, ...]
    close: bool = False


def text(value: str) -> Literal:
    return Literal(value=value, type=t.char(len(value)).with_nullable(False))


def number(value: int) -> Literal:
    return Literal(value=value, type=t.INT.with_nullable(False))


def call(name: str, *fixed: Expr, first: bool = False) -> Any:
    """The function over the columns and, after (or before) them, constants."""
    return lambda *columns: resolve_call(name, (*fixed, *columns) if first else (*columns, *fixed))


def cast(type_: SqlType, safe: bool = False) -> Any:
    return lambda column: resolve_cast(column, type_, safe=safe)


D73, D53, D382, D3810 = t.decimal(7, 3), t.decimal(5, 3), t.decimal(38, 2), t.decimal(38, 10)
TS, LTZ, S = t.timestamp(6), t.timestamp_ltz(6), t.STRING
NUMBERS = [t.TINYINT, t.SMALLINT, t.INT, t.BIGINT, t.FLOAT, t.DOUBLE, D73, D382]
CASES: list[Case] = []


def add(name: str, build: Any, *types: SqlType, close: bool = False) -> None:
    CASES.append(Case(name, build, types, close))


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
    "G K k Q QQQ QQQQ LL",
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
    BY_TYPES.setdefault(case.types, []).append(case)
