"""What a list of aggregate calls has to keep, and how results are read off: accumulators, value sets and lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

import pyarrow as pa

from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import Schema, SqlType, arrow_type
from streamsql.record import record
from streamsql.state.fixed_width import Int64Array
from streamsql.state.linear import Columns, Count, Extreme, Linear, Rows, Values

if TYPE_CHECKING:
    from streamsql.state.value_lists import ValueList

MOST_FLAGS = 62
"""So many fit into a number."""
ROWS = "n"
"""The accumulator that every group has: its rows, the sum of their weights."""


@record
class Argument:
    """The input columns that a call reads, where its filter (a column) is TRUE.

    A row with a NULL does not count, unless it is in one of the columns at the positions `optional`.
    """

    columns: tuple[int, ...]
    filter: int | None = None
    optional: frozenset[int] = frozenset()


def argument_of(call: AggregateCall) -> Argument:
    """What a call reads."""
    required = 0 if call.optional else len(call.value_args)
    return Argument(call.args, call.filter, frozenset(range(required, len(call.args))))


@record
class Slot:
    """One accumulator: `name` is that of its first column, and a prefix of its others.

    `pick`: which columns of the argument it reads, as positions there; `ordered`: arrival numbers after them.
    """

    name: str
    linear: Linear
    argument: Argument
    pick: tuple[int, ...] = (0,)
    ordered: bool = False

    def rows(self, values: Sequence[pa.Array], ordinals: Int64Array | None = None) -> Rows:
        """What the accumulator reads, of the columns of its argument."""
        if self.ordered:
            assert ordinals is not None, "the arrival order is needed"
            return (*(values[each] for each in self.pick), ordinals)
        if len(self.pick) > 1:
            return tuple(values[each] for each in self.pick)
        return values[self.pick[0]] if values else None

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


@record(frozen=False)
class ValueSet:
    """The distinct values of arguments that differ in their filter alone, each with its weight under every filter.

    `slots` accumulate over the distinct values of their argument. `listed`: some call wants all of them, in order.
    `flags`: values only come, so that for each it is enough to know under which filters it has come.
    """

    arguments: tuple[Argument, ...]
    types: tuple[pa.DataType, ...]
    slots: list[Slot] = field(default_factory=list)
    listed: bool = False
    flags: bool = False

    def slots_of(self, argument: Argument) -> list[Slot]:
        """The accumulators over the values of one argument."""
        return [each for each in self.slots if each.argument == argument]


def together(sets: Sequence[ValueSet], *, append_only: bool) -> tuple[ValueSet, ...]:
    """Sets of the same columns as one, so that values are looked up once; those that need an order stay alone."""
    found: dict[tuple[object, ...], ValueSet] = {}
    for number, each in enumerate(sets):
        (argument,) = each.arguments
        alone = each.listed or any(isinstance(slot.linear, Extreme) for slot in each.slots)
        key = (number,) if alone else (argument.columns, argument.optional)
        before = found.get(key)
        if before is None:
            found[key] = each
        else:
            arguments = (*before.arguments, argument)
            found[key] = ValueSet(arguments, each.types, [*before.slots, *each.slots])
    for each in found.values():
        each.flags = append_only and not each.listed and len(each.arguments) <= MOST_FLAGS
    return tuple(found.values())


@record
class RowList:
    """The rows of an argument in order of arrival; `types` are those of its columns."""

    argument: Argument
    types: tuple[pa.DataType, ...]


@record
class Groups:
    """What results are read off: accumulator columns by full name, one value a group; lists by arrival, by value."""

    size: int
    columns: Mapping[str, Values]
    arrived: Mapping[Argument, ValueList]
    sorted: Mapping[Argument, ValueList]


Result = Callable[[Groups], pa.Array]


@record
class Decomposition:
    """Calls taken apart; `results` run parallel to the calls."""

    slots: tuple[Slot, ...]
    sets: tuple[ValueSet, ...]
    lists: tuple[RowList, ...]
    results: tuple[Result, ...]

    @property
    def needs_ordinals(self) -> bool:
        """Whether something goes by arrival."""
        return bool(self.lists) or any(each.ordered for each in self.slots)


Family = Callable[["Parts", AggregateCall], Result]
"""Makes of a call what has to be kept for it, and what reads its result off."""


class Parts:
    """Finds or makes the accumulators, sets and lists of one call after the other.

    `append_only`: nothing is taken back. `arrival`: the order of arrival does not depend on how the input was cut.
    """

    def __init__(self, schema: Schema, *, append_only: bool, arrival: bool) -> None:
        self.schema = schema
        self.append_only = append_only
        self.arrival = arrival
        self.slots: list[Slot] = []
        self.sets: list[ValueSet] = []
        self.lists: list[RowList] = []
        self._names = 0

    def source(self, call: AggregateCall, position: int = 0) -> SqlType:
        """The type of an argument."""
        return self.schema.columns[call.args[position]].type

    def count(self, argument: Argument, *, distinct: bool = False) -> str:
        """The name of an accumulator that counts rows, or distinct values."""
        if distinct:
            return self.in_set(argument, Count()).name
        never_null = not any(self.schema.columns[each].type.nullable for each in argument.columns)
        if argument.filter is None and never_null:
            return ROWS
        return self.slot(argument, Count()).name

    def accumulator(
        self, argument: Argument, kind: Linear, *, distinct: bool = False, pick: tuple[int, ...] = (0,)
    ) -> Slot:
        """An accumulator over the rows, or over the distinct values, of an argument."""
        return self.in_set(argument, kind, pick) if distinct else self.slot(argument, kind, pick)

    def slot(self, argument: Argument, kind: Linear, pick: tuple[int, ...] = (0,), *, ordered: bool = False) -> Slot:
        """An accumulator over rows."""
        return self._slot(self.slots, argument, kind, pick, ordered)

    def in_set(self, argument: Argument, kind: Linear, pick: tuple[int, ...] = (0,)) -> Slot:
        """An accumulator over distinct values."""
        return self._slot(self._set(argument).slots, argument, kind, pick, False)

    def by_value(self, argument: Argument) -> Callable[[Groups], ValueList]:
        """The distinct values in order, with counts."""
        self._set(argument).listed = True
        return lambda groups: groups.sorted[argument]

    def by_arrival(self, argument: Argument) -> Callable[[Groups], ValueList]:
        """All rows in order of arrival; by value where arrival has no meaning."""
        if not self.arrival:
            listed = self.by_value(argument)
            return lambda groups: listed(groups).repeated()
        wanted = argument if self.append_only else self._with_whole_rows(argument)
        row_list = RowList(wanted, self._types(wanted))
        if row_list not in self.lists:
            self.lists.append(row_list)
        width = len(argument.columns)
        return lambda groups: groups.arrived[wanted].first_columns(width)

    def _with_whole_rows(self, argument: Argument) -> Argument:
        """With all other columns: which row is taken back must be known, and not only what the call sees of it."""
        others = tuple(each for each in range(len(self.schema)) if each not in argument.columns)
        columns = (*argument.columns, *others)
        optional = argument.optional | frozenset(range(len(argument.columns), len(columns)))
        return Argument(columns, argument.filter, optional)

    def _types(self, argument: Argument) -> tuple[pa.DataType, ...]:
        return tuple(arrow_type(self.schema.columns[each].type) for each in argument.columns)

    def _set(self, argument: Argument) -> ValueSet:
        found = next((each for each in self.sets if each.arguments == (argument,)), None)
        if found is None:
            found = ValueSet((argument,), self._types(argument))
            self.sets.append(found)
        return found

    def _slot(self, among: list[Slot], argument: Argument, kind: Linear, pick: tuple[int, ...], ordered: bool) -> Slot:
        for each in among:
            if (each.argument, each.linear, each.pick, each.ordered) == (argument, kind, pick, ordered):
                return each
        self._names += 1
        slot = Slot(f"a{self._names}", kind, argument, pick, ordered)
        among.append(slot)
        return slot
