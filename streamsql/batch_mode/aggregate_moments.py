"""Variances, deviations and correlations as DuckDB SQL: as Flink has them for integers and decimals."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streamsql.batch_mode.aggregate_arguments import Arguments
from streamsql.expr.types import FLOATS, Kind


def _variance(a: Arguments) -> str:
    kind = a.call.arg_types[0].kind
    if kind in FLOATS:
        return _of_floats(a)
    return _of_decimals(a) if kind is Kind.DECIMAL else _of_integers(a)


def _of_floats(a: Arguments) -> str:
    """DuckDB's own; NaN where a value is not finite."""
    number, finite = f"{a.value}::DOUBLE", f"isfinite({a.value})"
    found = f"{a.call.function.lower()}({a.distinct}{number}){a.over(finite)}"
    others = f"count({a.value}){a.over(f'NOT {finite}')}"
    enough = f"count({a.distinct}{a.value}){a.over()} > {_sample(a)}"
    return f"CASE WHEN {others} = 0 THEN {found} WHEN {enough} THEN 'NaN'::DOUBLE END"


def _of_integers(a: Arguments) -> str:
    """What stands behind the point is cut off: of the square of the mean by rounding up."""
    number = f"{a.value}::HUGEINT"
    count, total, squares = _sums(a, number)
    variance = f"({squares} - ({total} * {total} + {count} - 1) // {count}) // ({count} - {_sample(a)})"
    found = f"floor(sqrt(({variance})::DOUBLE))" if _is_deviation(a) else variance
    return f"CASE WHEN {count} > {_sample(a)} THEN {found} END"


def _of_decimals(a: Arguments) -> str:
    """Exact, in whole numbers: DuckDB would round to DOUBLE on the way."""
    scale, wanted = a.call.arg_types[0].scale or 0, a.call.type.scale or 0
    unscaled = f"CAST(replace(CAST({a.value} AS VARCHAR), '.', '') AS HUGEINT)"
    count, total, squares = _sums(a, unscaled)
    above, below = f"({squares} * {count} - {total} * {total})", f"({count} * ({count} - {_sample(a)}))"
    if _is_deviation(a):
        digits = f"floor(sqrt({above}::DOUBLE / {below}::DOUBLE) / {10**scale}::DOUBLE * {10**wanted}::DOUBLE + 0.5)"
    else:
        unit = f"({below} * {10 ** (2 * scale)}::HUGEINT)"
        digits = f"(({above} * {10**wanted}::HUGEINT * 2 + {unit}) // ({unit} * 2))"
    whole = f"CAST({digits} AS HUGEINT)"
    unit = f"{10**wanted}::HUGEINT"
    text = f"concat({whole} // {unit}, '.', lpad(CAST({whole} % {unit} AS VARCHAR), {wanted}, '0'))"
    return f"CASE WHEN {count} > {_sample(a)} THEN {text} END"


def _sums(a: Arguments, number: str) -> tuple[str, str, str]:
    over = a.over()
    count = f"count({a.distinct}{a.value}){over}"
    # DISTINCT goes by the value: equal squares of different values count each.
    if a.call.distinct:
        listed = f"list(DISTINCT {number}){a.known()}"
        return count, f"list_sum({listed})", f"list_sum(list_transform({listed}, lambda x: x * x))"
    return count, f"sum({number}){over}", f"sum({number} * {number}){over}"


def _sample(a: Arguments) -> int:
    return 1 if a.call.function.endswith("SAMP") else 0


def _is_deviation(a: Arguments) -> bool:
    return a.call.function.startswith("STDDEV")


def _pair(a: Arguments) -> str:
    y, x = a.values
    if a.call.distinct:
        return _distinct_pair(a)
    finite = f"isfinite({y}) AND isfinite({x})"
    found = f"{a.call.function.lower()}({y}, {x}){a.over(finite)}"
    if a.call.function == "REGR_COUNT":
        return f"regr_count({y}, {x}){a.over()}"
    if a.call.function in ("CORR", "COVAR_POP", "COVAR_SAMP", "REGR_R2", "REGR_SLOPE", "REGR_SXY"):
        # What is left of a correlation by rounding is none.
        found = f"CASE WHEN abs(corr({y}, {x}){a.over(finite)}) <= 1e-14 THEN 0.0 ELSE {found} END"
    others = f"count(*){a.known()} <> count(*){a.over(finite)}"
    return f"CASE WHEN {others} THEN 'NaN'::DOUBLE ELSE {found} END"


def _distinct_pair(a: Arguments) -> str:
    y, x = a.values
    return f"{a.call.function.lower()}(DISTINCT {y}, {x}){a.over()}"


FUNCTIONS: Mapping[str, Callable[[Arguments], str]] = {
    **dict.fromkeys(("STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP"), _variance),
    **dict.fromkeys(
        (
            *("CORR", "COVAR_POP", "COVAR_SAMP", "REGR_AVGX", "REGR_AVGY", "REGR_COUNT", "REGR_INTERCEPT", "REGR_R2"),
            *("REGR_SLOPE", "REGR_SXX", "REGR_SXY", "REGR_SYY"),
        ),
        _pair,
    ),
}
