"""THE function table: every function and operator by its upper-case name, and the names that stand for others."""

from __future__ import annotations

from streamsql.expr.function import DUCKDB_PREFIX, Function
from streamsql.expr.function_families import FunctionTable
from streamsql.expr.nodes import Call

FUNCTIONS = FunctionTable()

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
    function = FUNCTIONS.get(name) or _duckdb_function(name)
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
    if own and not name.startswith(DUCKDB_PREFIX):
        return own
    found = _duckdb_function(name)
    return () if found is None else (found,)


def _duckdb_function(name: str) -> Function | None:
    from streamsql.expr.duckdb_functions import find_duckdb_function

    return find_duckdb_function(name)
