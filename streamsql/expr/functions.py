"""THE function table: every function and operator by its upper-case name, and the names that stand for others."""

from __future__ import annotations

from streamsql.expr.duckdb_functions import PREFIX, find_duckdb_function
from streamsql.expr.function import Function
from streamsql.expr.functions_arithmetic import ARITHMETIC
from streamsql.expr.functions_calendar import CALENDAR
from streamsql.expr.functions_collections import COLLECTIONS
from streamsql.expr.functions_encoding import ENCODINGS
from streamsql.expr.functions_format import FORMATS
from streamsql.expr.functions_interval import EXTRACT_FROM_INTERVAL
from streamsql.expr.functions_json import JSON
from streamsql.expr.functions_logic import LOGIC
from streamsql.expr.functions_ltz import LTZ
from streamsql.expr.functions_math import MATH
from streamsql.expr.functions_nested import NESTED_FUNCTIONS
from streamsql.expr.functions_pattern import PATTERNS
from streamsql.expr.functions_plan import PLAN_FUNCTIONS
from streamsql.expr.functions_random import RANDOM
from streamsql.expr.functions_sketch import SKETCHES
from streamsql.expr.functions_text import TEXT
from streamsql.expr.functions_watermark import CURRENT_WATERMARK
from streamsql.expr.nodes import Call

_TABLE = (
    *LOGIC,
    *ARITHMETIC,
    *MATH,
    *TEXT,
    *PATTERNS,
    *CALENDAR,
    *FORMATS,
    *NESTED_FUNCTIONS,
    *COLLECTIONS,
    *JSON,
    *ENCODINGS,
    *RANDOM,
    *LTZ,
    *SKETCHES,
    *PLAN_FUNCTIONS,
    EXTRACT_FROM_INTERVAL,
    CURRENT_WATERMARK,
)
FUNCTIONS: dict[str, Function] = {each.name: each for each in _TABLE}

OVERLOADS: dict[str, tuple[str, ...]] = {
    "+": ("+", "+ INTERVAL", "INTERVAL +"),
    "-": ("-", "NEGATE", "- INTERVAL", "- TIME", "INTERVAL -", "-INTERVAL"),
    "*": ("*", "INTERVAL *"),
    "FLOOR": ("FLOOR", "FLOOR TO"),
    "CEIL": ("CEIL", "CEIL TO"),
    "LOG": ("LOG", "LOG BASE"),
    "EXTRACT": ("EXTRACT", "EXTRACT INTERVAL"),
    "TO_TIMESTAMP_LTZ": ("TO_TIMESTAMP_LTZ", "TO_TIMESTAMP_LTZ TEXT"),
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
    """The entry of that name in the table."""
    function = FUNCTIONS.get(name) or find_duckdb_function(name)
    if function is None:
        raise KeyError(name)
    return function


def called(call: Call) -> Function:
    """The entry of a bound call: its own, or the one in the table."""
    own: Function | None = call.own
    return find_function(call.function) if own is None else own


def candidates(name: str) -> tuple[Function, ...]:
    """The entries that an upper-case name may mean, in the order in which they are tried."""
    key = ALIASES.get(name, name)
    own = tuple(FUNCTIONS[each] for each in OVERLOADS.get(key, (key,)) if each in FUNCTIONS)
    if own and not name.startswith(PREFIX):
        return own
    found = find_duckdb_function(name)
    return () if found is None else (found,)
