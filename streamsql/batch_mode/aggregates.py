"""Aggregate calls as DuckDB SQL, made to obey the bound types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from streamsql.batch_mode.errors import NoBatchForm
from streamsql.batch_mode.relation import column
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.duckdb_sql import duckdb_type
from streamsql.expr.types import FLOATS, INTEGERS, Kind


@dataclass(frozen=True, slots=True)
class Arguments:
    """What an aggregate is made of: its arguments as columns, the BOOLEAN columns that select its rows, the ORDER BY
    terms of arrival. Not `append_only`: floating point is summed with compensation, and lists go by text.
    """

    call: AggregateCall
    values: tuple[str, ...]
    conditions: tuple[str, ...]
    order: str
    append_only: bool

    @property
    def value(self) -> str:
        return self.values[0]

    @property
    def distinct(self) -> str:
        return "DISTINCT " if self.call.distinct else ""

    def over(self, *conditions: str) -> str:
        """The FILTER clause that keeps the rows of the call and obeys further conditions."""
        wanted = (*self.conditions, *conditions)
        return f" FILTER (WHERE {' AND '.join(wanted)})" if wanted else ""


def needs_first_appearance(call: AggregateCall, *, append_only: bool) -> bool:
    """Whether the call takes each value once, in the order of first appearance, for which DuckDB has no form."""
    return append_only and call.distinct and call.function == "LISTAGG"


def aggregate_sql(call: AggregateCall, order: str, first: str | None = None, *, append_only: bool = True) -> str:
    """The call over a relation's columns, cast to its bound type.

    `first`: the BOOLEAN column that holds where a value appears first, for calls that need it. Not `append_only`: as
    the stream computes it where rows may be taken back.
    """
    build = _FUNCTIONS.get(call.function)
    if build is None:
        raise NoBatchForm(f"aggregate {call.function}", span=call.span)
    conditions = tuple(each for each in (None if call.filter is None else column(call.filter), first) if each)
    arguments = Arguments(call, tuple(column(each) for each in call.args), conditions, order, append_only)
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


def _listagg(a: Arguments) -> str:
    separator = str(a.call.options[0]) if a.call.options else ","
    quoted = "'" + separator.replace("'", "''") + "'"
    distinct, order = ("", a.order) if a.append_only else (a.distinct, a.value)
    return f"string_agg({distinct}{a.value}, {quoted} ORDER BY {order}){a.over(f'{a.value} IS NOT NULL')}"


_FUNCTIONS: Mapping[str, Callable[[Arguments], str]] = {
    "COUNT": _count,
    "SUM": _sum,
    "AVG": _avg,
    "MIN": _extreme("min"),
    "MAX": _extreme("max"),
    "LISTAGG": _listagg,
}


def same_key(name: str, kind: Kind) -> str:
    """A group key as it is shown: -0.0 and 0.0 are one key, 0.0."""
    return f"{name} + 0::{kind.value}" if kind in FLOATS else name
