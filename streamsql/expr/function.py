"""What the function table says of a function: types, how each engine runs it, whether it can fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from streamsql.expr.context import EvalContext
from streamsql.expr.nodes import Call, Literal, LiteralValue
from streamsql.expr.signatures import Rule
from streamsql.record import record

Datum = Any
"""A `pa.Array` or, for what is constant within a batch, a `pa.Scalar`."""

ArrowFunction = Callable[..., Datum]
"""Takes a datum for each argument."""

Build = Callable[[Call, EvalContext], ArrowFunction | None]
"""Makes the Arrow kernel of one bound call; None: this call has none, DuckDB evaluates it."""

Render = Callable[[Call, Sequence[str], EvalContext], str]
"""Writes a bound call as DuckDB SQL, given its arguments as SQL."""

DUCKDB_PREFIX = "DUCKDB."
"""Before the name of a function of DuckDB's own."""


@record
class Function:
    """One entry of the function table.

    `usage`: how it is called, for error messages. `rule`: checks and converts the arguments, says the type.
    `duckdb`: a template over the arguments ("{0}", "{args}" for all) or a function; the result is cast to the bound
    type. `flink`: the name there, None where Flink has no such function. `can_fail`: a row may raise.
    `volatile`: the same arguments may give different results. `per_row`: each row gets a value of its own; the Arrow
    kernel takes the number of rows first.
    """

    name: str
    usage: str
    rule: Rule
    arrow: Build | None
    duckdb: str | Render
    flink: str | None = None
    can_fail: bool | Callable[[Call], bool] = False
    volatile: bool = False
    per_row: bool = False

    def fails(self, call: Call) -> bool:
        """Whether this call may raise on some row."""
        return self.can_fail(call) if callable(self.can_fail) else self.can_fail

    def to_duckdb(self, call: Call, args: Sequence[str], context: EvalContext) -> str:
        """The call in DuckDB SQL, before it is cast to its bound type."""
        if callable(self.duckdb):
            return self.duckdb(call, args, context)
        return self.duckdb.format(*args, args=", ".join(args))


def always(kernel: ArrowFunction) -> Build:
    """A builder for a kernel that needs to know nothing of the call."""
    return lambda call, context: kernel


def literal(call: Call, index: int, default: LiteralValue = None) -> LiteralValue:
    """The value of a constant argument; the default where the argument is absent or not constant."""
    if index >= len(call.args):
        return default
    arg = call.args[index]
    return arg.value if isinstance(arg, Literal) else default


def is_literal(call: Call, index: int) -> bool:
    """Whether the argument is there and constant."""
    return index < len(call.args) and isinstance(call.args[index], Literal)
