"""Java's date patterns (`yyyy-MM-dd HH:mm`), to write times and to read them, with Arrow and as DuckDB SQL."""

from __future__ import annotations

import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.fixed_time_text import fixed_writer
from streamsql.expr.function import Datum
from streamsql.expr.signatures import Mismatch
from streamsql.expr.time_units import MINUTE, coarsest_unit, once_a_unit
from streamsql.expr.types import Kind, SqlType
from streamsql.expr.vectors import over_arrays
from streamsql.record import record

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
QUARTERS = ("Q1", "Q2", "Q3", "Q4")
LONG_QUARTERS = ("1st quarter", "2nd quarter", "3rd quarter", "4th quarter")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@record
class Token:
    """A run of one pattern letter, or literal text (letter "")."""

    letter: str
    count: int
    text: str = ""


def tokens(pattern: str) -> tuple[Token, ...]:
    """The parts of a pattern; letters that are not supported are a Mismatch.

    >>> [each.letter or each.text for each in tokens("yy'T'HH")]
    ['y', 'T', 'H']
    """
    found = []
    for match in re.finditer(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+", pattern):
        text, letter = match.group(1), match.group(2)
        if letter:
            if letter not in _LETTERS:
                raise Mismatch(
                    f"the pattern letter {letter} in '{pattern}' is not supported", f"use {' '.join(_LETTERS)}"
                )
            found.append(Token(_SAME.get(letter, letter), len(match.group(0))))
        elif text is not None:
            found.append(Token("", 0, text.replace("''", "'") if text else "'"))
        else:
            found.append(Token("", 0, match.group(0)))
    return tuple(found)


_LETTERS = "yuMLQqdEDaHhKkmsSnG"
_SAME = {"u": "y", "L": "M", "q": "Q"}
"""Letters that write what another one does."""
Piece = Callable[[Datum], Datum]


def _number(field: Callable[[Datum], Datum], width: int) -> Piece:
    def piece(array: pa.Array) -> pa.Array:
        text = pc.cast(field(array), pa.string())
        return pc.utf8_lpad(text, width, "0") if width > 1 else text

    return piece


def _name(field: Callable[[Datum], Datum], names: tuple[str, ...], first: int, short: bool) -> Piece:
    words = pa.array([each[:3] if short else each for each in names])
    return lambda array: words.take(pc.subtract(field(array), first))


def _fraction(width: int) -> Piece:
    def piece(array: pa.Array) -> pa.Array:
        micros = pc.add(pc.multiply(pc.millisecond(array), 1000), pc.microsecond(array))
        text = pc.utf8_lpad(pc.cast(micros, pa.string()), 6, "0")
        return pc.utf8_slice_codeunits(pc.utf8_rpad(text, 9, "0"), 0, width)

    return piece


def _hour_of_half(array: pa.Array) -> pa.Array:
    hour = pc.hour(array)
    hour = pc.if_else(pc.greater_equal(hour, 12), pc.subtract(hour, 12), hour)
    return pc.if_else(pc.equal(hour, 0), pa.scalar(12, pa.int64()), hour)


def _piece(token: Token) -> Piece:
    match token.letter:
        case "y" if token.count == 2:
            return lambda array: pc.utf8_slice_codeunits(_number(pc.year, 4)(array), -2, None)
        case "y":
            return _number(pc.year, token.count)
        case "M" if token.count > 2:
            return _name(pc.month, MONTHS, 1, token.count == 3)
        case "Q" if token.count > 2:
            return _name(pc.quarter, QUARTERS if token.count == 3 else LONG_QUARTERS, 1, False)
        case "G":
            return lambda array: pc.if_else(pc.is_valid(array), _ERA[token.count == 4], pa.scalar(None, pa.string()))
        case "E":
            return _name(pc.day_of_week, WEEKDAYS, 0, token.count <= 3)
        case "a":
            return lambda array: pc.if_else(pc.less(pc.hour(array), 12), pa.scalar("AM"), pa.scalar("PM"))
        case "S" | "n":
            return _fraction(token.count)
        case letter:
            return _number(_NUMBERS[letter], token.count)


_NUMBERS: dict[str, Callable[[Datum], Datum]] = {
    "M": pc.month,
    "d": pc.day,
    "H": pc.hour,
    "h": _hour_of_half,
    "m": pc.minute,
    "s": pc.second,
    "D": pc.day_of_year,
    "Q": pc.quarter,
    "K": lambda array: _remainder(pc.hour(array), 12),
    "k": lambda array: pc.if_else(pc.equal(pc.hour(array), 0), pa.scalar(24, pa.int64()), pc.hour(array)),
}
_ERA = (pa.scalar("AD"), pa.scalar("Anno Domini"))


def _remainder(hour: Datum, divisor: int) -> Datum:
    return pc.subtract(hour, pc.multiply(pc.divide(hour, divisor), divisor))


def formatter(pattern: str) -> Callable[[Datum], Datum]:
    """Writes timestamps by the pattern."""
    found = tokens(pattern)
    pieces = [pa.scalar(token.text) if not token.letter else _piece(token) for token in found]
    fast = fixed_writer([(token.letter, token.count, token.text) for token in found])

    def write(array: pa.Array) -> pa.Array:
        if fast is not None and (text := fast(array)) is not None:
            return text
        parts = [each if isinstance(each, pa.Scalar) else each(array) for each in pieces]
        if any(not isinstance(each, pa.Scalar) for each in parts):
            return pc.binary_join_element_wise(*parts, "")
        text = pa.scalar("".join(each.as_py() for each in parts))
        return pc.if_else(pc.is_valid(array), text, pa.scalar(None, pa.string()))

    unit = coarsest_unit(token.letter for token in found)
    return over_arrays(write if unit is None else once_a_unit(unit, write))


def is_fine(pattern: str) -> bool:
    """Whether it may write another text within a minute."""
    unit = coarsest_unit(token.letter for token in tokens(pattern))
    return unit is None or unit < MINUTE


_STRFTIME = {
    ("y", 2): "%y",
    ("M", 1): "%-m",
    ("M", 2): "%m",
    ("M", 3): "%b",
    ("M", 4): "%B",
    ("d", 1): "%-d",
    ("d", 2): "%d",
    ("H", 1): "%-H",
    ("H", 2): "%H",
    ("h", 1): "%-I",
    ("h", 2): "%I",
    ("m", 1): "%-M",
    ("m", 2): "%M",
    ("s", 1): "%-S",
    ("s", 2): "%S",
    ("S", 3): "%g",
    ("S", 6): "%f",
    ("a", 1): "%p",
    ("E", 4): "%A",
    ("D", 1): "%-j",
    ("D", 3): "%j",
}


def duckdb_format(moment: str, pattern: str) -> str:
    """The same as a DuckDB expression over a TIMESTAMP."""
    pieces = [_duckdb_piece(moment, token) for token in tokens(pattern)]
    return f"({' || '.join(pieces) if pieces else _quoted('')})"


def _duckdb_piece(moment: str, token: Token) -> str:
    if not token.letter:
        return _quoted(token.text)
    if token.letter == "E" and token.count <= 3:
        return f"strftime({moment}, '%a')"
    if (token.letter, token.count) in _STRFTIME:
        return f"strftime({moment}, '{_STRFTIME[token.letter, token.count]}')"
    if token.letter in _COMPUTED:
        return _computed_piece(moment, token)
    if token.letter == "y":
        return f"streamsql_filled(CAST(year({moment}) AS VARCHAR), {token.count})"
    if token.letter in "Sn":
        return f"left(rpad(strftime({moment}, '%f'), 9, '0'), {token.count})"
    raise Mismatch(f"the pattern {token.letter * token.count} is not supported")


_COMPUTED = {
    "Q": "quarter({0})",
    "K": "hour({0}) % 12",
    "k": "(CASE WHEN hour({0}) = 0 THEN 24 ELSE hour({0}) END)",
    "G": "0",
}


def _computed_piece(moment: str, token: Token) -> str:
    """Letters that strftime has not."""
    if token.letter == "G":
        return f"CASE WHEN {moment} IS NOT NULL THEN '{_ERA[token.count == 4]}' END"
    number = f"CAST({_COMPUTED[token.letter].format(moment)} AS VARCHAR)"
    if token.letter == "Q" and token.count > 2:
        words = QUARTERS if token.count == 3 else LONG_QUARTERS
        return f"[{', '.join(_quoted(each) for each in words)}][quarter({moment})]"
    return f"streamsql_filled({number}, {token.count})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_GROUPS = {
    "y": "year",
    "M": "month",
    "d": "day",
    "H": "hour",
    "h": "half",
    "m": "minute",
    "s": "second",
    "S": "fraction",
    "a": "noon",
}


def reading_pattern(pattern: str) -> str:
    """The pattern as a regular expression with a named group for each field.

    >>> reading_pattern("yyyy/M")
    '^(?P<year>\\\\d{4})/(?P<month>\\\\d{1,2})$'
    """
    parts, seen = [], set()
    for token in tokens(pattern):
        if not token.letter:
            parts.append(re.escape(token.text).replace("\\ ", " "))
            continue
        name = _GROUPS.get(token.letter)
        if name is None or name in seen or (token.letter == "M" and token.count > 2):
            raise Mismatch(f"the pattern '{pattern}' cannot be read with {token.letter * token.count}")
        seen.add(name)
        parts.append(f"(?P<{name}>{_digits(token)})")
    return f"^{''.join(parts)}$"


def _digits(token: Token) -> str:
    if token.letter == "a":
        return "AM|PM|am|pm"
    if token.letter == "S" or token.count > 1:
        return rf"\d{{{token.count}}}"
    return r"\d{1,4}" if token.letter == "y" else r"\d{1,2}"


def two_digit_year(pattern: str) -> bool:
    """Whether years are written with two digits, which means 2000 to 2099."""
    return any(each.letter == "y" and each.count == 2 for each in tokens(pattern))


TIMESTAMP_LIKE = (Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ, Kind.DATE)


def is_moment(type_: SqlType) -> bool:
    """Has a date, so that a pattern can write it."""
    return type_.kind in TIMESTAMP_LIKE
