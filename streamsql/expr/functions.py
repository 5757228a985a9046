"""THE function table: every function and operator by its upper-case name, and the names that stand for others."""

from __future__ import annotations

from streamsql.expr.function import Function
from streamsql.expr.functions_arithmetic import ARITHMETIC
from streamsql.expr.functions_calendar import CALENDAR
from streamsql.expr.functions_format import FORMATS
from streamsql.expr.functions_logic import LOGIC
from streamsql.expr.functions_math import MATH
from streamsql.expr.functions_nested import NESTED_FUNCTIONS
from streamsql.expr.functions_pattern import PATTERNS
from streamsql.expr.functions_text import TEXT

_TABLE = (*LOGIC, *ARITHMETIC, *MATH, *TEXT, *PATTERNS, *CALENDAR, *FORMATS, *NESTED_FUNCTIONS)
FUNCTIONS: dict[str, Function] = {each.name: each for each in _TABLE}

OVERLOADS: dict[str, tuple[str, ...]] = {
    "+": ("+", "+ INTERVAL", "INTERVAL +"),
    "-": ("-", "NEGATE", "- INTERVAL", "- TIME", "INTERVAL -", "-INTERVAL"),
    "*": ("*", "INTERVAL *"),
    "FLOOR": ("FLOOR", "FLOOR TO"),
    "CEIL": ("CEIL", "CEIL TO"),
    "LOG": ("LOG", "LOG BASE"),
}
"""Names that several entries share: the first that takes the arguments is meant."""

ALIASES: dict[str, str] = {
    "!=": "<>",
    "MOD": "%",
    "IFNULL": "COALESCE",
    "SUBSTR": "SUBSTRING",
    "CHARACTER_LENGTH": "CHAR_LENGTH",
    "LENGTH": "CHAR_LENGTH",
    "CEILING": "CEIL",
    "POW": "POWER",
    "TRUNC": "TRUNCATE",
    "ITEM": "[]",
}
"""Other spellings."""


def find_function(name: str) -> Function:
    """The entry of a bound call."""
    return FUNCTIONS[name]
