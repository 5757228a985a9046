"""Groups of integer keys that lie close together as a grid of cells: they add up cell by cell, nothing is looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from streamsql.record import record
from streamsql.state.decomposition import ROWS, Slot
from streamsql.state.fixed_width import AnyArray, Int64Array
from streamsql.state.linear import Values
from streamsql.state.partial import Partial
from streamsql.state.slot_groups import KeyGrid

Cells = Mapping[str, AnyArray]

_CELLS_PER_GROUP = 4
"""With more cells than so many a group, keeping the empty ones costs more than it saves."""
_WIDENING = 2
"""How many times the cells of its parts a sum may have."""
_FEWEST_CELLS = 256


@record(eq=False)
class DenseGroups:
    """One cell for each combination of keys, used or not; the first key is a number that the caller groups by.

    `cells`: the accumulators by name, each of one value a cell, an axis a key. Nothing is taken back.
    """

    grid: KeyGrid
    cells: Cells

    @property
    def rows(self) -> int:
        """How many groups have rows."""
        return int(np.count_nonzero(self.cells[ROWS]))

    def between(self, start: int, stop: int) -> DenseGroups:
        """The groups with numbers from `start` up to (not including) `stop`; nothing is copied."""
        low = self.grid.lows[0]
        first, last = max(start - low, 0), min(stop - low, self.grid.spans[0])
        grid = replace(self.grid, lows=(low + first, *self.grid.lows[1:]), spans=(last - first, *self.grid.spans[1:]))
        return DenseGroups(grid, each_once(self.cells, lambda values: values[first:last]))

    def singly(self, number: int) -> Iterator[DenseGroups]:
        """The groups of each number by themselves, all of them under one number."""
        grid = replace(self.grid, lows=(number, *self.grid.lows[1:]), spans=(1, *self.grid.spans[1:]))
        for at in range(self.grid.spans[0]):
            yield DenseGroups(grid, each_once(self.cells, lambda values, at=at: values[at : at + 1]))  # type: ignore[misc]

    def partial(self) -> Partial:
        """The groups that have rows, in the order of their keys."""
        flat = each_once(self.cells, np.ravel)
        used = flat[ROWS].nonzero()[0]
        columns = flat if len(used) == self.grid.width else each_once(flat, lambda values: values[used])
        return Partial(len(used), 1, self.grid.keys(used), columns)


def dense_groups(grid: KeyGrid, counts: Int64Array, columns: Mapping[str, Values]) -> DenseGroups | None:
    """Groups by slot as cells; None where these would be many more than the groups, or cannot be added up in place."""
    if grid.width > _FEWEST_CELLS and grid.width > _CELLS_PER_GROUP * int(np.count_nonzero(counts)):
        return None
    if any(isinstance(each, pa.Array) for each in columns.values()):
        return None
    return DenseGroups(grid, each_once(columns, lambda values: values.reshape(grid.spans)))


def add_up(parts: Sequence[DenseGroups], slots: Sequence[Slot]) -> DenseGroups | None:
    """All groups in one grid; None where their keys lie too far apart for that. `slots`: the accumulators."""
    if len(parts) == 1:
        return parts[0]
    grid = _around([each.grid for each in parts])
    if grid.width > max(_FEWEST_CELLS, _WIDENING * sum(each.grid.width for each in parts)):
        return None
    # What only counts rows again is kept once.
    apart = [each for each in slots if any(part.cells[each.name] is not part.cells[ROWS] for part in parts)]
    total: dict[str, AnyArray] = {ROWS: np.zeros(grid.spans, np.int64)}
    for slot in apart:
        blank = slot.write(slot.linear.blanks(grid.width))
        total |= {name: np.asarray(values).reshape(grid.spans) for name, values in blank.items()}
    _put(total, parts[0], grid, apart)
    for part in parts[1:]:
        _add(total, part, grid, apart)
    return DenseGroups(grid, total | {each.name: total[ROWS] for each in slots if each not in apart})


def _put(total: dict[str, AnyArray], part: DenseGroups, grid: KeyGrid, slots: Sequence[Slot]) -> None:
    """Begin a grid with the cells of a part."""
    place = _place(part.grid, grid)
    total[ROWS][place] = part.cells[ROWS]
    for slot in slots:
        for name, values in slot.write(slot.read(part.cells)).items():
            _cells(total, name, np.asarray(values), grid)[place] = values


def _add(total: dict[str, AnyArray], part: DenseGroups, grid: KeyGrid, slots: Sequence[Slot]) -> None:
    """Add the cells of a part to those of a grid around it."""
    place = _place(part.grid, grid)
    total[ROWS][place] += part.cells[ROWS]
    for slot in slots:
        old = {suffix: values[place] for suffix, values in slot.read(total).items()}
        new = slot.linear.combine(old, slot.read(part.cells))
        for name, values in slot.write(new).items():
            _cells(total, name, np.asarray(values), grid)[place] = values


def _cells(total: dict[str, AnyArray], name: str, like: AnyArray, grid: KeyGrid) -> AnyArray:
    """The cells of an accumulator's column; one that has been absent is 0."""
    if name not in total:
        total[name] = np.zeros(grid.spans, like.dtype)
    return total[name]


def _place(part: KeyGrid, grid: KeyGrid) -> tuple[slice, ...]:
    """Where a grid lies in one around it."""
    offsets = (own - low for own, low in zip(part.lows, grid.lows, strict=True))
    return tuple(slice(at, at + span) for at, span in zip(offsets, part.spans, strict=True))


def _around(grids: Sequence[KeyGrid]) -> KeyGrid:
    """The smallest grid that holds all of them."""
    lows = tuple(min(each) for each in zip(*(grid.lows for grid in grids), strict=True))
    ends = zip(*(map(sum, zip(grid.lows, grid.spans, strict=True)) for grid in grids), strict=True)
    return KeyGrid(lows, tuple(max(each) - low for each, low in zip(ends, lows, strict=True)), grids[0].types)


def each_once(columns: Mapping[str, AnyArray], change: Callable[[AnyArray], AnyArray]) -> dict[str, AnyArray]:
    """The columns changed; those that are one array stay one."""
    found = {id(values): change(values) for values in columns.values()}
    return {name: found[id(values)] for name, values in columns.items()}
