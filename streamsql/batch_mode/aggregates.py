"""Aggregate calls as DuckDB SQL, made to obey the bound types."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streamsql.batch_mode import aggregate_lists, aggregate_moments
from streamsql.batch_mode.aggregate_arguments import Arguments
from streamsql.batch_mode.errors import NoBatchForm
from streamsql.batch_mode.relation import column
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.duckdb_sql import duckdb_type
from streamsql.expr.types import FLOATS, INTEGERS, Kind


def needs_first_appearance(call: AggregateCall) -> bool:
    """Whether the call takes each value once, where it appears first, for which DuckDB has no form."""
    return call.distinct and call.function in aggregate_lists.BY_ARRIVAL


def aggregate_sql(
    call: AggregateCall,
    order: str,
    first: str | None = None,
    *,
    append_only: bool = True,
    arrival: bool = True,
    window: str = "",
) -> str:
    """The call over a relation's columns, cast to its bound type.

    `first`: the BOOLEAN column that holds where a value appears first, for calls that need it. Not `append_only`: as
    the stream computes it where rows may be taken back; not `arrival`: where they have no order. `window`: an OVER
    clause.
    """
    build = _FUNCTIONS.get(call.function)
    if build is None:
        raise NoBatchForm(f"aggregate {call.function}", span=call.span)
    conditions = tuple(each for each in (None if call.filter is None else column(call.filter), first) if each)
    columns = tuple(column(each) for each in call.args)
    arguments = Arguments(call, columns, conditions, order, append_only, arrival, window)
    return f"CAST({build(arguments)} AS {duckdb_type(call.type)})"


def _count(a: Arguments) -> str:
    known = [f"{each} IS NOT NULL" for each in a.values]
    if a.call.distinct and a.values:
        counted = a.value if len(a.values) == 1 else f"row({', '.join(a.values)})"
        return f"count(DISTINCT {counted}){a.over(*known)}"
    return f"count(*){a.over(*known)}"


def _sum(a: Arguments) -> str:
    plain = f"sum({a.distinct}{a.value}){a.over()}"
    if a.call.arg_types[0].kind not in FLOATS or a.append_only:
        return plain
    # The compensation cannot take infinities.
    return f"CASE WHEN isfinite({plain}) THEN fsum({a.distinct}{a.value}::DOUBLE){a.over()} ELSE {plain} END"


def _avg(a: Arguments) -> str:
    kind = a.call.arg_types[0].kind
    count = f"count({a.distinct}{a.value}){a.over()}"
    if kind in FLOATS:
        return f"({_sum(a)}) / {count}"
    total = f"sum({a.distinct}{a.value}){a.over()}"
    if kind in INTEGERS:
        return f"{total} // {count}"
    return _decimal_average(total, count, a.call)


def _decimal_average(total: str, count: str, call: AggregateCall) -> str:
    """Rounded half away from zero, in integers: DuckDB would divide decimals as DOUBLE."""
    given, wanted = call.arg_types[0].scale or 0, call.type.scale or 0
    unscaled = f"CAST(replace(CAST({total} AS VARCHAR), '.', '') AS HUGEINT)"
    grow = 10 ** (wanted - given)
    whole = f"(abs({unscaled}) // {count})"
    rest = f"((abs({unscaled}) % {count}) * {grow}::HUGEINT)"
    digits = f"({whole} * {grow}::HUGEINT + ({rest} * 2 + {count}) // ({count} * 2))"
    unit = f"{10**wanted}::HUGEINT"
    text = f"concat({digits} // {unit}, '.', lpad(CAST({digits} % {unit} AS VARCHAR), {wanted}, '0'))"
    return f"CASE WHEN {count} > 0 THEN concat(CASE WHEN {unscaled} < 0 THEN '-' END, {text}) END"


def _extreme(function: str) -> Callable[[Arguments], str]:
    return lambda a: f"{function}({a.value}){a.over()}"


def _unsigned_zero(extreme: Callable[[Arguments], str]) -> Callable[[Arguments], str]:
    """Of -0.0 and 0.0, which are equal, the result is 0.0."""
    return lambda a: f"({same_key(extreme(a), a.call.type.kind)})"


def _bit_xor(a: Arguments) -> str:
    return f"bit_xor({a.distinct}{a.value}){a.over()}"


_FUNCTIONS: Mapping[str, Callable[[Arguments], str]] = {
    "AVG": _avg,
    "BIT_AND": _extreme("bit_and"),
    "BIT_OR": _extreme("bit_or"),
    "BIT_XOR": _bit_xor,
    "BOOL_AND": _extreme("bool_and"),
    "BOOL_OR": _extreme("bool_or"),
    "COUNT": _count,
    "MAX": _unsigned_zero(_extreme("max")),
    "MIN": _unsigned_zero(_extreme("min")),
    "SUM": _sum,
    **aggregate_lists.FUNCTIONS,
    **aggregate_moments.FUNCTIONS,
}


def same_key(name: str, kind: Kind) -> str:
    """A group key as it is shown: -0.0 and 0.0 are one key, 0.0."""
    return f"{name} + 0::{kind.value}" if kind in FLOATS else name
