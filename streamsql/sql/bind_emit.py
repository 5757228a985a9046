"""EMIT: which of its forms the default is, and that the others cannot run yet."""

from __future__ import annotations

from typing import Any

from streamsql.errors import NotSupportedYet
from streamsql.plan.logical import Plan
from streamsql.plan.rules.fuse_windows import fuse_windows
from streamsql.plan.traits import traits
from streamsql.sql.parse import span_of

Tree = Any


def check_emit(emit: Tree, plan: Plan, *, grouped: bool) -> None:
    """Let EMIT pass where it says what `plan` does anyway; NotSupportedYet where it asks for anything else.

    Windows emit FINAL, other aggregates CHANGES; of a query without aggregate every row is both.
    """
    final = traits(fuse_windows(plan)).append_only
    allowed = ("FINAL", "CHANGES") if final and not grouped else ("FINAL",) if final else ("CHANGES",)
    span = span_of(emit)
    if emit.args["mode"] not in allowed:
        raise NotSupportedYet(f"{_form(emit)} here", span=span, hint=f"this query emits {allowed[0]}")
    if emit.args.get("lateness") is not None:
        raise NotSupportedYet("EMIT … ALLOWED LATENESS", span=span, hint="late rows can be read from t$late")
    if emit.args.get("accumulation") not in (None, "RETRACTING"):
        raise NotSupportedYet(f"EMIT … {emit.args['accumulation']}", span=span)


def _form(emit: Tree) -> str:
    mode = emit.args["mode"]
    if mode == "WHEN":
        return "EMIT WHEN"
    return f"EMIT {mode}" if emit.args.get("every") is None else f"EMIT EVERY … ON {mode}"
