"""From aggregate calls to what is kept for them: one small function a family, found by table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import FLOATS, Kind, Schema, SqlType, arrow_type
from streamsql.state import list_results, quantiles, variance
from streamsql.state.decomposition import Argument, Decomposition, Groups, Parts, Result, together
from streamsql.state.first_rows import FirstRow
from streamsql.state.float_sums import CompensatedSum, FloatSum
from streamsql.state.integer_sums import IntegerSum
from streamsql.state.linear import Linear, extreme_of
from streamsql.state.list_results import ReadList
from streamsql.state.moments import ProductSum, SquareSum
from streamsql.state.results import average, count, extreme, total


def decompose(
    calls: Sequence[AggregateCall], schema: Schema, *, append_only: bool, arrival: bool = True
) -> Decomposition:
    """Take calls apart; `schema` is that of the input, which `args` and `filter` of the calls are positions in."""
    parts = Parts(schema, append_only=append_only, arrival=arrival)
    results = tuple(_FAMILIES[call.function](parts, call) for call in calls)
    return Decomposition(tuple(parts.slots), together(parts.sets, append_only=append_only), tuple(parts.lists), results)


def _argument(call: AggregateCall) -> Argument:
    required = 0 if call.optional else len(call.value_args)
    return Argument(call.args, call.filter, frozenset(range(required, len(call.args))))


def _count(parts: Parts, call: AggregateCall) -> Result:
    slot = parts.count(_argument(call), distinct=call.distinct)
    return lambda groups: count(groups.columns[slot])


def _sum_or_average(parts: Parts, call: AggregateCall) -> Result:
    argument, source = _argument(call), parts.source(call)
    slot = parts.accumulator(argument, _sum_kind(parts, source), distinct=call.distinct)
    counted = parts.count(argument, distinct=call.distinct)
    publish = total if call.function == "SUM" else average
    return lambda groups: publish(slot.read(groups.columns), groups.columns[counted], call, source)


def _sum_kind(parts: Parts, source: SqlType) -> Linear:
    if source.kind in FLOATS:
        return FloatSum() if parts.append_only else CompensatedSum()
    return IntegerSum(arrow_type(source))


def _extreme(*, largest: bool) -> Callable[[Parts, AggregateCall], Result]:
    def family(parts: Parts, call: AggregateCall) -> Result:
        argument, type_ = _argument(call), arrow_type(call.type)
        kind = extreme_of(arrow_type(parts.source(call)), largest=largest)
        by_set = not parts.append_only
        slot = parts.accumulator(argument, kind, distinct=by_set)
        counted = parts.count(argument, distinct=by_set)
        return lambda groups: extreme(groups.columns[slot.name], groups.columns[counted], type_)

    return family


def _variance(parts: Parts, call: AggregateCall) -> Result:
    argument, source = _argument(call), parts.source(call)
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
    argument = _argument(call)
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


def _first_row(*, last: bool = False, largest: bool = False) -> Callable[[Parts, AggregateCall], Result]:
    """FIRST_VALUE and LAST_VALUE, ARG_MIN and ARG_MAX: an accumulator where rows only come, else a list."""

    def family(parts: Parts, call: AggregateCall) -> Result:
        argument = _argument(call)
        types = [arrow_type(parts.source(call, each)) for each in range(len(call.args))]
        by = types[1] if len(call.value_args) == 2 else None
        kind = FirstRow(types[0], by, largest, last)
        if parts.append_only and not call.order:
            slot = parts.slot(argument, kind, tuple(range(len(call.args))), ordered=True)
            return lambda groups: kind.result(slot.read(groups.columns))
        rows = parts.by_arrival(argument)
        return lambda groups: list_results.first_row(rows(groups).ordered(call.order), groups.size, kind)

    return family


def _by_arrival(read: ReadList) -> Callable[[Parts, AggregateCall], Result]:
    def family(parts: Parts, call: AggregateCall) -> Result:
        rows = parts.by_arrival(_argument(call))

        def result(groups: Groups) -> pa.Array:
            found = rows(groups).ordered(call.order)
            return read(found.distinct(len(call.value_args)) if call.distinct else found, groups.size, call)

        return result

    return family


def _by_value(read: ReadList) -> Callable[[Parts, AggregateCall], Result]:
    def family(parts: Parts, call: AggregateCall) -> Result:
        rows = parts.by_value(_argument(call))

        def result(groups: Groups) -> pa.Array:
            found = rows(groups)
            return read(found.distinct(len(call.args)) if call.distinct else found, groups.size, call)

        return result

    return family


_FAMILIES: Mapping[str, Callable[[Parts, AggregateCall], Result]] = {
    "APPROX_COUNT_DISTINCT": _by_value(list_results.approximate_counts),
    "APPROX_QUANTILE": _by_value(quantiles.discrete_quantiles),
    "ARG_MAX": _first_row(largest=True),
    "ARG_MIN": _first_row(),
    "ARRAY_AGG": _by_arrival(list_results.arrays),
    "AVG": _sum_or_average,
    "BIT_AND": _by_value(list_results.bits),
    "BIT_OR": _by_value(list_results.bits),
    "BIT_XOR": _by_value(list_results.bits),
    "BOOL_AND": _extreme(largest=False),
    "BOOL_OR": _extreme(largest=True),
    "COLLECT": _by_value(list_results.multisets),
    "CORR": _pair,
    "COUNT": _count,
    "COVAR_POP": _pair,
    "COVAR_SAMP": _pair,
    "FIRST_VALUE": _first_row(),
    "JSON_ARRAYAGG": _by_arrival(list_results.json_arrays),
    "JSON_OBJECTAGG": _by_arrival(list_results.json_objects),
    "LAST_VALUE": _first_row(last=True),
    "LISTAGG": _by_arrival(list_results.joined),
    "MAX": _extreme(largest=True),
    "MEDIAN": _by_value(quantiles.continuous_quantiles),
    "MIN": _extreme(largest=False),
    "MODE": _by_arrival(list_results.modes),
    "PERCENTILE": _by_value(quantiles.continuous_quantiles),
    "QUANTILE_CONT": _by_value(quantiles.continuous_quantiles),
    "QUANTILE_DISC": _by_value(quantiles.discrete_quantiles),
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
    "SUM": _sum_or_average,
    "VAR_POP": _variance,
    "VAR_SAMP": _variance,
}
