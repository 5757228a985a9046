"""What is wrong with a call that cannot be bound, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.errors import NotSupportedYet, Span, SqlError, did_you_mean, nearest
from streamsql.expr.duckdb_functions import ALLOWED
from streamsql.expr.foreign_functions import ELSEWHERE
from streamsql.expr.function import DUCKDB_PREFIX
from streamsql.expr.functions import candidates
from streamsql.expr.signatures import Args, Mismatch

_ADVICE = {
    "+": "texts are joined with ||; a text becomes a number with CAST(… AS INT)",
    "AND": "AND takes conditions, such as a > 0",
    "OR": "OR takes conditions, such as a > 0",
    "NOT": "NOT takes a condition, such as a > 0",
    "LIKE": "write CAST(… AS STRING) LIKE pattern",
}
"""What helps where an operator's arguments do not fit."""
_LISTED = "`streamsql functions` lists them, `streamsql functions PART` those with a part of the name"

_OF_VARIANT = frozenset({"PARSE_JSON", "TRY_PARSE_JSON"})


def unknown_function(name: str, table: Sequence[str], span: Span | None) -> SqlError:
    """What to say of a name that no function has; `table`: those that the function table has."""
    if name.upper() in _OF_VARIANT:
        return NotSupportedYet(f"the type VARIANT ({name})", span=span, hint="read JSON texts with JSON_VALUE")
    if name.upper() in ELSEWHERE:
        return SqlError(f"there is no function {name}", span=span, hint=f"write {ELSEWHERE[name.upper()]}")
    known = [*table, *(each.upper() for each in sorted(ALLOWED) if each.upper() not in table)]
    if name.upper().startswith(DUCKDB_PREFIX):
        own = [each.upper() for each in sorted(ALLOWED)]
        near = did_you_mean(name[len(DUCKDB_PREFIX) :].upper(), own, kind="DuckDB's functions")
        return SqlError(f"there is no function {name} here", span=span, hint=near)
    return SqlError(
        f"there is no function {name}", span=span, hint=did_you_mean(name, known) if nearest(name, known) else _LISTED
    )


def misfit(name: str, key: str, args: Args, mismatch: Mismatch, span: Span | None) -> SqlError:
    """What to say of arguments that do not fit a function; `key` is its name in the table."""
    usage = " or ".join(each.usage for each in candidates(key)) or name
    given = ", ".join(str(each.type.with_nullable(True)) for each in args)
    shown = f"{name}({given})" if key.replace("_", "").isalnum() else f"{name} over ({given})"
    message = mismatch.reason or f"{shown} does not fit: expected {usage}"
    hint = mismatch.hint or (f"expected {usage}" if mismatch.reason else _ADVICE.get(key))
    return SqlError(message, span=span, hint=hint)
