"""What a list of aggregate calls has to keep, and how results are read off: accumulators, value sets and lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import FLOATS, Schema, SqlType, arrow_type
from streamsql.state.float_sums import CompensatedSum, FloatSum
from streamsql.state.integer_sums import IntegerSum
from streamsql.state.linear import Columns, Count, Linear, Values, extreme_of
from streamsql.state.results import average, count, extreme, total
from streamsql.state.text_lists import TextList, joined

ROWS = "n"
"""The accumulator that every group has: its rows, the sum of their weights."""


@dataclass(frozen=True, slots=True)
class Argument:
    """The input columns that a call reads, where its filter (a column) is TRUE; a row with a NULL does not count."""

    columns: tuple[int, ...]
    filter: int | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """One accumulator: `name` is that of its first column, and a prefix of its others."""

    name: str
    linear: Linear
    argument: Argument

    def read(self, columns: Mapping[str, Values]) -> Columns:
        """Its columns by suffix."""
        own = {"": columns[self.name]}
        for suffix in self.linear.suffixes:
            if (values := columns.get(self.name + suffix)) is not None:
                own[suffix] = values
        return own

    def write(self, columns: Columns) -> dict[str, Values]:
        """Its columns under their full names."""
        return {self.name + suffix: values for suffix, values in columns.items()}


@dataclass(slots=True)
class ValueSet:
    """The distinct values of an argument, each with its weight; `slots` accumulate over the distinct ones.

    `listed`: LISTAGG wants all of them, in order.
    """

    argument: Argument
    types: tuple[pa.DataType, ...]
    slots: list[Slot] = field(default_factory=list)
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Groups:
    """What results are read off: accumulator columns by full name, one value a group, and the lists."""

    size: int
    columns: Mapping[str, Values]
    lists: Mapping[Argument, TextList]


Result = Callable[[Groups], pa.Array]


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Calls taken apart; `results` run parallel to the calls, `lists` are the arguments of LISTAGG in arrival order."""

    slots: tuple[Slot, ...]
    sets: tuple[ValueSet, ...]
    lists: tuple[Argument, ...]
    results: tuple[Result, ...]


def decompose(calls: Sequence[AggregateCall], schema: Schema, *, append_only: bool) -> Decomposition:
    """Take calls apart; `schema` is that of the input, which `args` and `filter` of the calls are positions in."""
    builder = _Builder(schema, append_only)
    results = tuple(builder.result(call) for call in calls)
    return Decomposition(tuple(builder.slots), tuple(builder.sets), tuple(builder.lists), results)


class _Builder:
    """Finds or makes the accumulators of one call after the other."""

    def __init__(self, schema: Schema, append_only: bool) -> None:
        self.schema = schema
        self.append_only = append_only
        self.slots: list[Slot] = []
        self.sets: list[ValueSet] = []
        self.lists: list[Argument] = []
        self._names = 0

    def result(self, call: AggregateCall) -> Result:
        argument = Argument(call.args, call.filter)
        match call.function:
            case "COUNT":
                slot = self._count(argument, distinct=call.distinct)
                return lambda groups: count(groups.columns[slot])
            case "SUM" | "AVG":
                return self._sum_or_average(call, argument)
            case "MIN" | "MAX":
                return self._extreme(call, argument)
            case "LISTAGG":
                return self._list(call, argument)
        raise AssertionError(f"aggregate {call.function} has no accumulators")

    def _count(self, argument: Argument, *, distinct: bool) -> str:
        if distinct:
            return self._in_set(argument, Count()).name
        never_null = not any(self.schema.columns[each].type.nullable for each in argument.columns)
        if argument.filter is None and never_null:
            return ROWS
        return self._slot(self.slots, argument, Count()).name

    def _sum_or_average(self, call: AggregateCall, argument: Argument) -> Result:
        source = self.schema.columns[call.args[0]].type
        summed = self._sum_kind(source)
        slot = self._in_set(argument, summed) if call.distinct else self._slot(self.slots, argument, summed)
        counted = self._count(argument, distinct=call.distinct)
        publish = total if call.function == "SUM" else average
        return lambda groups: publish(slot.read(groups.columns), groups.columns[counted], call, source)

    def _sum_kind(self, source: SqlType) -> Linear:
        if source.kind in FLOATS:
            return FloatSum() if self.append_only else CompensatedSum()
        return IntegerSum(arrow_type(source))

    def _extreme(self, call: AggregateCall, argument: Argument) -> Result:
        source = self.schema.columns[call.args[0]].type
        kind = extreme_of(arrow_type(source), largest=call.function == "MAX")
        by_set = not self.append_only
        slot = self._in_set(argument, kind) if by_set else self._slot(self.slots, argument, kind)
        counted = self._count(argument, distinct=by_set)
        type_ = arrow_type(call.type)
        return lambda groups: extreme(groups.columns[slot.name], groups.columns[counted], type_)

    def _list(self, call: AggregateCall, argument: Argument) -> Result:
        """In order of arrival; rows that are taken back have none, so there it goes by text."""
        if not self.append_only:
            self._set(argument).listed = True
        elif argument not in self.lists:
            self.lists.append(argument)
        separator = str(call.options[0]) if call.options else ","
        return lambda groups: joined(groups.lists[argument], groups.size, separator, distinct=call.distinct)

    def _in_set(self, argument: Argument, kind: Linear) -> Slot:
        return self._slot(self._set(argument).slots, argument, kind)

    def _set(self, argument: Argument) -> ValueSet:
        found = next((each for each in self.sets if each.argument == argument), None)
        if found is None:
            types = tuple(arrow_type(self.schema.columns[each].type) for each in argument.columns)
            found = ValueSet(argument, types)
            self.sets.append(found)
        return found

    def _slot(self, among: list[Slot], argument: Argument, kind: Linear) -> Slot:
        for each in among:
            if each.argument == argument and each.linear == kind:
                return each
        self._names += 1
        slot = Slot(f"a{self._names}", kind, argument)
        among.append(slot)
        return slot
