"""Aggregates that go by arrival or by the order of values, as DuckDB SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streamsql.batch_mode.aggregate_arguments import Arguments
from streamsql.expr.duckdb_sql import duckdb_type
from streamsql.expr.duckdb_text import quoted
from streamsql.expr.functions_sketch import BIAS, BUCKETS, RANKS
from streamsql.expr.types import DOUBLE, TIMESTAMPS, Kind


def _listagg(a: Arguments) -> str:
    separator = quoted(str(a.call.options[0]) if a.call.options else ",")
    return f"string_agg({a.value}, {separator} ORDER BY {a.ordered}){a.known()}"


def _array(a: Arguments) -> str:
    return f"list({a.value} ORDER BY {a.ordered}){a.known()}"


def _multiset(a: Arguments) -> str:
    return f"coalesce(histogram({a.distinct}{a.value}){a.known()}, MAP {{}})"


def _json_array(a: Arguments) -> str:
    texts = f"string_agg(coalesce({a.value}, 'null'), ',' ORDER BY {a.ordered}){a.known()}"
    return f"concat('[', {texts}, ']')"


def _json_object(a: Arguments) -> str:
    key, text, value = a.values
    pairs = f"string_agg(concat({text}, ':', coalesce({value}, 'null')), ',' ORDER BY {key}){a.known()}"
    twice = (
        f"count({key}){a.known()} <> count(DISTINCT {key}){a.known()} OR count(*){a.known()} <> count({key}){a.known()}"
    )
    message = quoted("a key of JSON_OBJECTAGG is NULL or comes twice")
    return f"CASE WHEN {twice} THEN error({message}) ELSE concat('{{', {pairs}, '}}') END"


def _mode(a: Arguments) -> str:
    return f"mode({a.value} ORDER BY {a.ordered}){a.known()}"


def _first(function: str) -> Callable[[Arguments], str]:
    return lambda a: f"{function}({a.value} ORDER BY {a.ordered}){a.known()}"


def _witness(direction: str) -> Callable[[Arguments], str]:
    return lambda a: f"first({a.value} ORDER BY {a.columns[1]} {direction}, {a.ordered}){a.known()}"


def _fractions(a: Arguments) -> str:
    found = ", ".join(format(float(str(each)), "f").rstrip("0") + "0" for each in a.call.options)
    return f"[{found}]" if a.call.type.kind is Kind.ARRAY else found


def _continuous(a: Arguments) -> str:
    kind = a.call.arg_types[0].kind
    if kind not in TIMESTAMPS:
        return f"quantile_cont({a.distinct}{a.value}::DOUBLE, {_fractions(a)}){a.known()}"
    make = "make_timestamptz" if kind is Kind.TIMESTAMP_LTZ else "make_timestamp"
    found = f"quantile_cont({a.distinct}epoch_us({a.value}), {_fractions(a)}){a.known()}"
    if a.call.type.kind is Kind.ARRAY:
        return f"list_transform({found}, lambda us: {make}(us::BIGINT))"
    return f"{make}(({found})::BIGINT)"


def _discrete(a: Arguments) -> str:
    falling = float(str(a.call.options[0])) < 0
    parts = [-float(str(each)) - 1 if falling else float(str(each)) for each in a.call.options]
    found = ", ".join(format(each, "f").rstrip("0") + "0" for each in parts)
    shown = f"[{found}]" if a.call.type.kind is Kind.ARRAY else found
    if not falling:
        return f"quantile_disc({a.distinct}{a.value}, {shown}){a.known()}"
    return f"percentile_disc({shown}) WITHIN GROUP (ORDER BY {a.value} DESC){a.known()}"


def _approximate_count(a: Arguments) -> str:
    """As the stream computes it: codes in order, of which the last one of a bucket counts."""
    codes = f"coalesce(list_sort(list(DISTINCT {a.value}){a.known()}), []::INTEGER[])"
    pairs = f"list_zip({codes}, ({codes})[2:])"
    last = f"list_filter({pairs}, lambda p: p[2] IS NULL OR p[1] // {RANKS} <> p[2] // {RANKS})"
    empty = f"({BUCKETS} - len({last}))"
    total = f"({empty} + coalesce(list_sum(list_transform({last}, lambda p: pow(2.0, -(p[1] % {RANKS})))), 0))"
    estimate = f"({BIAS * BUCKETS * BUCKETS!r}::DOUBLE / {total})"
    few = f"{BUCKETS} * ln({BUCKETS}::DOUBLE / greatest({empty}, 1))"
    wanted = f"CASE WHEN {estimate} <= {2.5 * BUCKETS} AND {empty} > 0 THEN {few} ELSE {estimate} END"
    return f"round_even({wanted}, 0)"


def _percentile(a: Arguments) -> str:
    if len(a.values) == 1:
        return _continuous(a)
    value, frequency = a.values
    # DISTINCT is over pairs of value and frequency.
    many = f"{{'x': {value}::{duckdb_type(DOUBLE)}, 'n': greatest({frequency}, 0)}}"
    pairs = f"list({a.distinct}{many}){a.known()}"
    every = f"flatten(list_transform({pairs}, lambda p: list_transform(range(p.n), lambda i: p.x)))"
    if a.call.type.kind is not Kind.ARRAY:
        return f"list_aggregate({every}, 'quantile_cont', {_fractions(a)})"
    parts = (f"list_aggregate({every}, 'quantile_cont', {float(str(each))})" for each in a.call.options)
    return f"CASE WHEN len({every}) > 0 THEN [{', '.join(parts)}] END"


BY_ARRIVAL: Mapping[str, Callable[[Arguments], str]] = {
    "ARRAY_AGG": _array,
    "JSON_ARRAYAGG": _json_array,
    "JSON_OBJECTAGG": _json_object,
    "LISTAGG": _listagg,
    "MODE": _mode,
}
"""With DISTINCT each value counts where it appears first."""

FUNCTIONS: Mapping[str, Callable[[Arguments], str]] = {
    **BY_ARRIVAL,
    "APPROX_COUNT_DISTINCT": _approximate_count,
    "APPROX_QUANTILE": _discrete,
    "ARG_MAX": _witness("DESC"),
    "ARG_MIN": _witness("ASC"),
    "COLLECT": _multiset,
    "FIRST_VALUE": _first("first"),
    "LAST_VALUE": _first("last"),
    "MEDIAN": _continuous,
    "PERCENTILE": _percentile,
    "QUANTILE_CONT": _continuous,
    "QUANTILE_DISC": _discrete,
}
