"""Aggregates that look at the rows or values of a group one by one: first and last, lists, quantiles, sketches."""

from __future__ import annotations

import pyarrow as pa

from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import arrow_type
from streamsql.state import list_results, quantiles
from streamsql.state.decomposition import Family, Groups, Parts, Result, argument_of
from streamsql.state.first_rows import FirstRow
from streamsql.state.list_results import ReadList


def _first_row(*, last: bool = False, largest: bool = False) -> Family:
    """FIRST_VALUE and LAST_VALUE, ARG_MIN and ARG_MAX: an accumulator where rows only come, else a list."""

    def family(parts: Parts, call: AggregateCall) -> Result:
        argument = argument_of(call)
        types = [arrow_type(parts.source(call, each)) for each in range(len(call.args))]
        by = types[1] if len(call.value_args) == 2 else None
        kind = FirstRow(types[0], by, largest, last)
        if parts.append_only and not call.order:
            slot = parts.slot(argument, kind, tuple(range(len(call.args))), ordered=True)
            return lambda groups: kind.result(slot.read(groups.columns))
        rows = parts.by_arrival(argument)
        return lambda groups: list_results.first_row(rows(groups).ordered(call.order), groups.size, kind)

    return family


def _by_arrival(read: ReadList) -> Family:
    def family(parts: Parts, call: AggregateCall) -> Result:
        rows = parts.by_arrival(argument_of(call))

        def result(groups: Groups) -> pa.Array:
            found = rows(groups).ordered(call.order)
            return read(found.distinct(len(call.value_args)) if call.distinct else found, groups.size, call)

        return result

    return family


def _by_value(read: ReadList) -> Family:
    def family(parts: Parts, call: AggregateCall) -> Result:
        rows = parts.by_value(argument_of(call))

        def result(groups: Groups) -> pa.Array:
            found = rows(groups)
            return read(found.distinct(len(call.args)) if call.distinct else found, groups.size, call)

        return result

    return family


OF_LISTS: dict[str, Family] = {
    "APPROX_COUNT_DISTINCT": _by_value(list_results.approximate_counts),
    "APPROX_QUANTILE": _by_value(quantiles.discrete_quantiles),
    "ARG_MAX": _first_row(largest=True),
    "ARG_MIN": _first_row(),
    "ARRAY_AGG": _by_arrival(list_results.arrays),
    "BIT_AND": _by_value(list_results.bits),
    "BIT_OR": _by_value(list_results.bits),
    "BIT_XOR": _by_value(list_results.bits),
    "COLLECT": _by_value(list_results.multisets),
    "FIRST_VALUE": _first_row(),
    "JSON_ARRAYAGG": _by_arrival(list_results.json_arrays),
    "JSON_OBJECTAGG": _by_arrival(list_results.json_objects),
    "LAST_VALUE": _first_row(last=True),
    "LISTAGG": _by_arrival(list_results.joined),
    "MEDIAN": _by_value(quantiles.continuous_quantiles),
    "MODE": _by_arrival(list_results.modes),
    "PERCENTILE": _by_value(quantiles.continuous_quantiles),
    "QUANTILE_CONT": _by_value(quantiles.continuous_quantiles),
    "QUANTILE_DISC": _by_value(quantiles.discrete_quantiles),
}
