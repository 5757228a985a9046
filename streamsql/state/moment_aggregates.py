"""Aggregates of sums and products: variances, deviations, correlation, regression."""

from __future__ import annotations

import pyarrow as pa

from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import FLOATS, Kind, arrow_type
from streamsql.state import variance
from streamsql.state.decomposition import Family, Groups, Parts, Result, argument_of
from streamsql.state.float_sums import CompensatedSum
from streamsql.state.integer_sums import IntegerSum
from streamsql.state.linear import Linear
from streamsql.state.moments import ProductSum, SquareSum
from streamsql.state.results import count


def _variance(parts: Parts, call: AggregateCall) -> Result:
    argument, source = argument_of(call), parts.source(call)
    floating = source.kind in FLOATS
    kind = arrow_type(source)
    sums: Linear = CompensatedSum() if floating else IntegerSum(kind)
    squares: Linear = ProductSum() if floating else SquareSum(kind)
    first = parts.accumulator(argument, sums, distinct=call.distinct)
    second = parts.accumulator(argument, squares, distinct=call.distinct)
    counted = parts.count(argument, distinct=call.distinct)
    publish = (
        variance.of_floats
        if floating
        else variance.of_decimals
        if source.kind is Kind.DECIMAL
        else variance.of_integers
    )

    def result(groups: Groups) -> pa.Array:
        found = variance.Moments(groups.columns[counted], first.read(groups.columns), second.read(groups.columns))
        return publish(found, call, source)

    return result


def _pair(parts: Parts, call: AggregateCall) -> Result:
    argument = argument_of(call)
    counted = parts.count(argument, distinct=call.distinct)
    if call.function == "REGR_COUNT":
        return lambda groups: count(groups.columns[counted])
    sums = [parts.accumulator(argument, CompensatedSum(), distinct=call.distinct, pick=(each,)) for each in (0, 1)]
    products = [
        parts.accumulator(argument, ProductSum(), distinct=call.distinct, pick=pick) for pick in ((0,), (1,), (0, 1))
    ]

    def result(groups: Groups) -> pa.Array:
        columns = [each.read(groups.columns) for each in (*sums, *products)]
        return variance.of_pairs(call.function, groups.columns[counted], columns)

    return result


OF_MOMENTS: dict[str, Family] = {
    "CORR": _pair,
    "COVAR_POP": _pair,
    "COVAR_SAMP": _pair,
    "REGR_AVGX": _pair,
    "REGR_AVGY": _pair,
    "REGR_COUNT": _pair,
    "REGR_INTERCEPT": _pair,
    "REGR_R2": _pair,
    "REGR_SLOPE": _pair,
    "REGR_SXX": _pair,
    "REGR_SXY": _pair,
    "REGR_SYY": _pair,
    "STDDEV_POP": _variance,
    "STDDEV_SAMP": _variance,
    "VAR_POP": _variance,
    "VAR_SAMP": _variance,
}
