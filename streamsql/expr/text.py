"""Expressions as SQL-like text for people: EXPLAIN, messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from streamsql.expr.nodes import Call, Case, Cast, ColumnRef, Expr, FieldAccess, Literal, LiteralValue
from streamsql.expr.types import Kind, SqlType
from streamsql.time import MILLISECOND, SECOND, Duration, format_time

_BINDING = {
    "OR": 1,
    "AND": 2,
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">=", "LIKE", "SIMILAR TO"), 4),
    **dict.fromkeys(("IS DISTINCT FROM", "IS NOT DISTINCT FROM"), 4),
    **dict.fromkeys(("+", "-", "||"), 5),
    **dict.fromkeys(("*", "/", "%"), 6),
}
_NOT, _POSTFIX, _UNARY, _ATOM = 3, 4, 7, 8
_UNITS = (
    (86_400 * SECOND, "d"),
    (3_600 * SECOND, "h"),
    (60 * SECOND, "min"),
    (SECOND, "s"),
    (MILLISECOND, "ms"),
    (1, "µs"),
)


def expr_text(expr: Expr) -> str:
    """The expression as SQL.

    >>> from streamsql.expr.types import BIGINT
    >>> a = ColumnRef(type=BIGINT, id=1, name="a")
    >>> total = Call(type=BIGINT, function="+", args=(a, Literal(type=BIGINT, value=1)))
    >>> expr_text(Call(type=BIGINT, function="*", args=(total, a)))
    '(a + 1) * a'
    """
    return _render(expr)[0]


def duration_text(duration: Duration) -> str:
    """A duration in its largest whole units.

    >>> duration_text(3_600_000_000), duration_text(90_000_000), duration_text(0)
    ('1 h', '1 min 30 s', '0 s')
    """
    parts, rest = [], abs(duration)
    for size, unit in _UNITS:
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(f"{amount} {unit}")
    return ("-" if duration < 0 else "") + (" ".join(parts) or "0 s")


def literal_text(value: LiteralValue, type_: SqlType) -> str:
    """A constant as SQL.

    >>> from streamsql.expr.types import STRING, timestamp
    >>> literal_text("it's", STRING), literal_text(0, timestamp(3))
    ("'it''s'", "TIMESTAMP '1970-01-01 00:00:00.000'")
    """
    if value is None:
        return "NULL"
    if isinstance(value, tuple):
        return _nested_text(value, type_)
    special = _LITERALS.get(type_.kind)
    return str(value) if special is None else special(value)


def _nested_text(value: tuple[LiteralValue, ...], type_: SqlType) -> str:
    if type_.kind is Kind.MAP:
        flat = [literal_text(each, child) for pair in value for each, child in _beside(pair, type_.children)]
        return f"MAP[{', '.join(flat)}]"
    if type_.kind is Kind.ROW:
        return f"ROW({', '.join(literal_text(each, child) for each, child in _beside(value, type_.children))})"
    return f"ARRAY[{', '.join(literal_text(each, type_.children[0]) for each in value)}]"


def _beside(values: LiteralValue, types: tuple[SqlType, ...]) -> list[tuple[LiteralValue, SqlType]]:
    assert isinstance(values, tuple)
    return list(zip(values, types, strict=True))


def _quoted(value: LiteralValue) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _hex(value: LiteralValue) -> str:
    return f"X'{value.hex()}'" if isinstance(value, bytes) else str(value)


def _whole(value: LiteralValue) -> int:
    assert isinstance(value, int)
    return value


def _date(value: LiteralValue) -> str:
    try:
        return f"DATE '{date(1970, 1, 1) + timedelta(days=_whole(value))}'"
    except OverflowError:
        return f"DATE '{_whole(value)} days'"


def _interval(value: Duration) -> str:
    """In the largest unit that divides it; fractions in seconds."""
    for size, unit in ((86_400 * SECOND, "DAY"), (3_600 * SECOND, "HOUR"), (60 * SECOND, "MINUTE")):
        if value and value % size == 0:
            return f"INTERVAL '{value // size}' {unit}"
    whole, fraction = divmod(abs(value), SECOND)
    digits = f".{fraction:06d}".rstrip("0") if fraction else ""
    return f"INTERVAL '{'-' if value < 0 else ''}{whole}{digits}' SECOND"


_LITERALS: dict[Kind, Callable[[LiteralValue], str]] = {
    Kind.BOOLEAN: lambda value: "TRUE" if value else "FALSE",
    Kind.CHAR: _quoted,
    Kind.VARCHAR: _quoted,
    Kind.BINARY: _hex,
    Kind.VARBINARY: _hex,
    Kind.DATE: _date,
    Kind.TIME: lambda value: f"TIME '{format_time(_whole(value))[11:]}'",
    Kind.TIMESTAMP: lambda value: f"TIMESTAMP '{format_time(_whole(value))}'",
    Kind.TIMESTAMP_LTZ: lambda value: f"TIMESTAMP_LTZ '{format_time(_whole(value))}Z'",
    Kind.INTERVAL_DAY: lambda value: _interval(_whole(value)),
    Kind.INTERVAL_MONTH: lambda value: f"INTERVAL '{_whole(value)}' MONTH",
}


def _render(expr: Expr) -> tuple[str, int]:
    """The text, and how tightly its outermost operator binds."""
    match expr:
        case ColumnRef():
            return expr.name or f"column {expr.id}", _ATOM
        case Literal():
            text = literal_text(expr.value, expr.type)
            return text, _UNARY if text.startswith("-") else _ATOM
        case Cast():
            return (
                f"{'TRY_CAST' if expr.safe else 'CAST'}({expr_text(expr.arg)} AS {expr.type.with_nullable(True)})",
                _ATOM,
            )
        case FieldAccess():
            return f"{_within(expr.arg, _ATOM)}.{expr.arg.type.names[expr.index]}", _ATOM
        case Case():
            return _case_text(expr), _ATOM
        case Call():
            return _call_text(expr)
        case _:
            raise TypeError(type(expr).__name__)


def _within(expr: Expr, binding: int) -> str:
    """The text of an operand, in parentheses where it binds less tightly."""
    text, own = _render(expr)
    return text if own >= binding else f"({text})"


def _case_text(expr: Case) -> str:
    branches = "".join(f" WHEN {expr_text(when)} THEN {expr_text(then)}" for when, then in expr.branches)
    return f"CASE{branches} ELSE {expr_text(expr.otherwise)} END"


_SYMBOLS = {
    "NEGATE": "-",
    **dict.fromkeys(("- INTERVAL", "- TIME", "INTERVAL -", "-INTERVAL"), "-"),
    **dict.fromkeys(("+ INTERVAL", "INTERVAL +"), "+"),
    "INTERVAL *": "*",
}
"""Functions of the table that are one operator in SQL."""


def _call_text(expr: Call) -> tuple[str, int]:
    name, args = _SYMBOLS.get(expr.function, expr.function), expr.args
    match len(args), name:
        case (1, "NOT"):
            return f"NOT {_within(args[0], _NOT)}", _NOT
        case (1, "-" | "+"):
            return f"{name}{_within(args[0], _UNARY)}", _UNARY
        case (1, _) if name.startswith("IS "):
            return f"{_within(args[0], _POSTFIX + 1)} {name}", _POSTFIX
        case (2, "FLOOR TO" | "CEIL TO"):
            return f"{name[:-3]}({expr_text(args[0])} TO {_unquoted(args[1])})", _ATOM
        case (2, "EXTRACT"):
            return f"EXTRACT({_unquoted(args[0])} FROM {expr_text(args[1])})", _ATOM
        case (2, "[]"):
            return f"{_within(args[0], _ATOM)}[{expr_text(args[1])}]", _ATOM
        case (_, "IN"):
            return f"{_within(args[0], _POSTFIX + 1)} IN ({', '.join(expr_text(each) for each in args[1:])})", _POSTFIX
        case (count, _) if count >= 2 and name in _BINDING:
            return _infix_text(name, args), _BINDING[name]
        case _:
            return f"{name}({', '.join(expr_text(each) for each in args)})", _ATOM


def _unquoted(unit: Expr) -> str:
    return str(unit.value) if isinstance(unit, Literal) else expr_text(unit)


def _infix_text(name: str, args: tuple[Expr, ...]) -> str:
    binding = _BINDING[name]
    # The right side needs parentheses also where it binds as tightly: a - (b - c).
    inner = binding if name in ("AND", "OR") else binding + 1
    first = _within(args[0], binding if binding != 4 else inner)
    if name in ("LIKE", "SIMILAR TO") and len(args) == 3:
        return f"{first} {name} {_within(args[1], inner)} ESCAPE {expr_text(args[2])}"
    return f" {name} ".join([first, *(_within(each, inner) for each in args[1:])])
