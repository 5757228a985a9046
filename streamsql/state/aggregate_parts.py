"""From aggregate calls to what is kept for them: one small function a family, found by table.

Those that keep more than a number of each group are imported with the first of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import FLOATS, Schema, SqlType, arrow_type
from streamsql.state.decomposition import Decomposition, Family, Parts, Result, argument_of, together
from streamsql.state.integer_sums import IntegerSum
from streamsql.state.linear import Linear, extreme_of
from streamsql.state.results import average, count, extreme, total


def decompose(
    calls: Sequence[AggregateCall], schema: Schema, *, append_only: bool, arrival: bool = True
) -> Decomposition:
    """Take calls apart; `schema` is that of the input, which `args` and `filter` of the calls are positions in."""
    parts = Parts(schema, append_only=append_only, arrival=arrival)
    results = tuple(_family(call.function)(parts, call) for call in calls)
    return Decomposition(tuple(parts.slots), together(parts.sets, append_only=append_only), tuple(parts.lists), results)


def _family(function: str) -> Family:
    if function in _OF_NUMBERS:
        return _OF_NUMBERS[function]
    from streamsql.state.list_aggregates import OF_LISTS
    from streamsql.state.moment_aggregates import OF_MOMENTS

    return (OF_LISTS | OF_MOMENTS)[function]


def _count(parts: Parts, call: AggregateCall) -> Result:
    slot = parts.count(argument_of(call), distinct=call.distinct)
    return lambda groups: count(groups.columns[slot])


def _sum_or_average(parts: Parts, call: AggregateCall) -> Result:
    argument, source = argument_of(call), parts.source(call)
    slot = parts.accumulator(argument, _sum_kind(parts, source), distinct=call.distinct)
    counted = parts.count(argument, distinct=call.distinct)
    publish = total if call.function == "SUM" else average
    return lambda groups: publish(slot.read(groups.columns), groups.columns[counted], call, source)


def _sum_kind(parts: Parts, source: SqlType) -> Linear:
    if source.kind in FLOATS:
        from streamsql.state.float_sums import CompensatedSum, FloatSum

        return FloatSum() if parts.append_only else CompensatedSum()
    return IntegerSum(arrow_type(source))


def _extreme(*, largest: bool) -> Family:
    def family(parts: Parts, call: AggregateCall) -> Result:
        argument, type_ = argument_of(call), arrow_type(call.type)
        kind = extreme_of(arrow_type(parts.source(call)), largest=largest)
        by_set = not parts.append_only
        slot = parts.accumulator(argument, kind, distinct=by_set)
        counted = parts.count(argument, distinct=by_set)
        return lambda groups: extreme(groups.columns[slot.name], groups.columns[counted], type_)

    return family


_OF_NUMBERS: Mapping[str, Family] = {
    "AVG": _sum_or_average,
    "BOOL_AND": _extreme(largest=False),
    "BOOL_OR": _extreme(largest=True),
    "COUNT": _count,
    "MAX": _extreme(largest=True),
    "MIN": _extreme(largest=False),
    "SUM": _sum_or_average,
}
