"""PRINTF with Java's conversions; the format is a constant, so that every argument is checked when a query is bound."""

from __future__ import annotations

import re
from collections.abc import Sequence

from streamsql.expr import types as t
from streamsql.expr.coercion import is_text
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_cast import cast_sql
from streamsql.expr.duckdb_text import quoted
from streamsql.expr.function import Function, literal
from streamsql.expr.nodes import Call, Expr, Literal
from streamsql.expr.signatures import Args, Bound, Mismatch
from streamsql.expr.types import FLOATS, INTEGERS, Kind, SqlType
from streamsql.record import record

_CONVERSION = re.compile(r"%(?:(\d+)\$)?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])")
_KNOWN = "sSdxXofeEbcn%"
_FRACTIONS = (*FLOATS, Kind.DECIMAL)


@record
class _Conversion:
    """`%[index$][flags][width][.precision]letter`; `index` None: takes no argument."""

    letter: str
    flags: str
    width: int
    precision: int | None
    index: int | None


def _parts(format_: str) -> list[str | _Conversion]:
    """Texts and conversions in turn."""
    found: list[str | _Conversion] = []
    place, next_index = 0, 0
    for match in _CONVERSION.finditer(format_):
        number, flags, width, precision, letter = match.groups()
        if letter not in _KNOWN or "(" in flags or "#" in flags:
            raise Mismatch(f"PRINTF does not support {match.group()}", f"conversions: {' '.join(_KNOWN)}")
        index = None if letter in "n%" else int(number) - 1 if number else next_index
        next_index += index is not None and not number
        found.append(_plain(format_[place : match.start()]))
        found.append(_Conversion(letter, flags, int(width or 0), int(precision) if precision else None, index))
        place = match.end()
    return [*found, _plain(format_[place:])]


def _plain(text: str) -> str:
    if "%" in text:
        raise Mismatch(f"the format of PRINTF has a % that begins no conversion: '{text}'", "write %% for one %")
    return text


def _rule(args: Args) -> Bound:
    if not args or not isinstance(args[0], Literal) or not (is_text(args[0].type) or args[0].value is None):
        raise Mismatch("the format of PRINTF must be a constant text", span=args[0].span if args else None)
    for each in _parts(str(args[0].value or "")):
        if isinstance(each, _Conversion) and each.index is not None:
            if each.index >= len(args) - 1:
                raise Mismatch(f"the format of PRINTF takes more than {len(args) - 1} arguments", span=args[0].span)
            _check(each.letter, args[each.index + 1])
    return Bound(args, t.STRING.with_nullable(args[0].value is None))


def _check(letter: str, arg: Expr) -> None:
    kinds: dict[str, tuple[Kind, ...]] = {"d": INTEGERS, "x": INTEGERS, "X": INTEGERS, "o": INTEGERS, "c": INTEGERS}
    kinds |= dict.fromkeys("feE", _FRACTIONS)
    if letter in kinds and arg.type.kind not in (*kinds[letter], Kind.NULL):
        needed = "an integer" if kinds[letter] is INTEGERS else "a DECIMAL, FLOAT or DOUBLE"
        given = arg.type.with_nullable(True)
        raise Mismatch(f"%{letter} of PRINTF takes {needed}, this is {given}", "CAST it, or use %s", arg.span)


def _sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    if literal(call, 0) is None:
        return "CAST(NULL AS VARCHAR)"
    pieces = [_piece(each, call, args, context) for each in _parts(str(literal(call, 0)))]
    return f"({' || '.join(each for each in pieces if each) or quoted('')})"


def _piece(part: str | _Conversion, call: Call, args: Sequence[str], context: EvalContext) -> str:
    if isinstance(part, str):
        return quoted(part) if part else ""
    if part.index is None:
        return "chr(10)" if part.letter == "n" else "'%'"
    sql, type_ = args[part.index + 1], call.args[part.index + 1].type
    missing = "'false'" if part.letter == "b" else "'null'"
    text = f"coalesce({_converted(part, sql, type_, context)}, {missing})"
    if part.letter in "sSb" and part.precision is not None:
        text = f"left({text}, {part.precision})"
    text = f"upper({text})" if part.letter in "SXE" else text
    return _padded(text, part)


def _converted(part: _Conversion, sql: str, type_: SqlType, context: EvalContext) -> str:
    if type_.kind is Kind.NULL:
        return "CAST(NULL AS VARCHAR)"
    match part.letter:
        case "d":
            return _signed(f"format('{{:{',' if ',' in part.flags else ''}}}', abs(CAST({sql} AS HUGEINT)))", sql, part)
        case "x" | "X" | "o":
            bits = {Kind.TINYINT: 8, Kind.SMALLINT: 16, Kind.INT: 32}.get(type_.kind)
            number = f"CAST({sql} AS BIGINT)" if bits is None else f"(CAST({sql} AS BIGINT) & {(1 << bits) - 1})"
            return f"lower(hex({number}))" if part.letter != "o" else f"format('{{:o}}', {number})"
        case "f":
            return _fixed(part, sql, type_)
        case "e" | "E":
            return _signed(f"printf('%.{_digits(part)}e', abs(CAST({sql} AS DOUBLE)))", sql, part)
        case "c":
            return f"chr(CAST({sql} AS INTEGER))"
        case "b":
            is_flag = type_.kind is Kind.BOOLEAN
            return f"CAST({sql} AS VARCHAR)" if is_flag else f"CASE WHEN {sql} IS NOT NULL THEN 'true' END"
        case _:
            text = cast_sql(sql, type_, t.STRING, False, context)
            return f"lower({text})" if type_.kind is Kind.BOOLEAN else text


def _digits(part: _Conversion) -> int:
    return 6 if part.precision is None else part.precision


def _fixed(part: _Conversion, sql: str, type_: SqlType) -> str:
    """Rounded half up by the shortest text of the number, as Java does it."""
    count = _digits(part)
    grouped = "," if "," in part.flags else ""
    if type_.kind is Kind.DECIMAL:
        number = f"abs(CAST({sql} AS DECIMAL(38, {min(count, type_.scale or 0)})))"
        shown = f"format('{{:{grouped}.{count}f}}', CAST({number} AS DOUBLE))"
        if not grouped:
            zeros = "0" * max(count - (type_.scale or 0), 0)
            point = "'.' || " if zeros and not type_.scale else ""
            shown = f"CAST({number} AS VARCHAR)" + (f" || {point}'{zeros}'" if zeros else "")
        return _signed(shown, sql, part)
    number = f"streamsql_round_double(CAST({sql} AS DOUBLE), {count})"
    shown = _signed(f"format('{{:{grouped}.{count}f}}', abs({number}))", sql, part)
    text = f"streamsql_java_number(CAST({sql} AS VARCHAR), CAST({sql} AS DOUBLE))"
    return f"CASE WHEN isfinite({sql}) THEN {shown} ELSE {text} END"


def _signed(text: str, sql: str, part: _Conversion) -> str:
    """The digits with their sign before them; zeros that fill go in between."""
    plus = "+" if "+" in part.flags else " " if " " in part.flags else ""
    sign = f"CASE WHEN {sql} < 0 THEN '-' ELSE '{plus}' END"
    if "0" in part.flags and part.width:
        return f"{sign} || streamsql_filled({text}, {part.width} - length({sign}))"
    return f"{sign} || {text}"


def _padded(text: str, part: _Conversion) -> str:
    if not part.width:
        return text
    function = "rpad" if "-" in part.flags else "lpad"
    fill = "0" if "0" in part.flags and part.letter in "xXo" else " "
    return f"{function}({text}, CAST(greatest({part.width}, length({text})) AS INTEGER), '{fill}')"


ENTRIES: tuple[Function, ...] = (Function("PRINTF", "PRINTF('format', value, …)", _rule, None, _sql, "PRINTF"),)
