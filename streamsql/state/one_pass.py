"""Count, sum, smallest and largest of integers by group in one pass over them, where compiled code is at hand."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import numpy as np

from streamsql import compiled
from streamsql.state.decomposition import ROWS, Argument, Slot
from streamsql.state.fixed_width import AnyArray, is_fixed_width, values_of
from streamsql.state.integer_sums import IntegerSum, sums_fit
from streamsql.state.linear import Count, NumberExtreme, Values
from streamsql.state.selected_rows import RowSelector, Selected

_KINDS = (Count, IntegerSum, NumberExtreme)
"""What can be accumulated so; not what is derived of them, such as sums of squares."""


def in_one_pass(slots: Sequence[Slot], selector: RowSelector, rows: int, size: int) -> dict[str, Values]:
    """The accumulators over `rows` rows that this can make, by name; each row counts once, groups are below `size`.

    The counts of all rows (`ROWS`) come along with the first that sees them all.
    """
    found: dict[str, Values] = {}
    kernels = compiled.kernels(rows)
    if kernels is None:
        return found
    by_argument: dict[Argument, list[Slot]] = {}
    for slot in slots:
        if len(slot.argument.columns) == 1 and type(slot.linear) in _KINDS:
            by_argument.setdefault(slot.argument, []).append(slot)
    for argument, chosen in by_argument.items():
        seen = selector.select(argument)
        values = _integers(seen)
        if values is None or all(isinstance(each.linear, Count) for each in chosen):
            continue
        counted = [each.name for each in chosen if isinstance(each.linear, Count)] if seen.mask is not None else [ROWS]
        found |= _totals(kernels, chosen, [each for each in counted if each not in found], seen, values, size)
    return found


def _integers(seen: Selected) -> AnyArray | None:
    """The values of one column, at least one; None where they are no integers."""
    (column,) = seen.values
    if not len(column) or not is_fixed_width(column.type):
        return None
    values = values_of(column)
    return values if values.ndim == 1 and values.dtype.kind == "i" else None


def _totals(
    kernels: ModuleType, slots: Sequence[Slot], counted: Sequence[str], seen: Selected, values: AnyArray, size: int
) -> dict[str, Values]:
    """`counted`: the names that the counts go by."""
    sums = [each.name for each in slots if type(each.linear) is IntegerSum]
    extremes = {each.name: each.linear for each in slots if isinstance(each.linear, NumberExtreme)}
    added, counts = (np.zeros(size if names else 0, np.int64) for names in (sums, counted))
    reached = {True: np.empty(0, np.int64), False: np.empty(0, np.int64)}
    for kind in extremes.values():
        reached[kind.largest] = np.asarray(kind.blank(size)).astype(np.int64, copy=False)
    whole = compiled.plain(values.astype(np.int64, copy=False))
    top, low = kernels.totals(compiled.plain(seen.ids), whole, counts, added, reached[True], reached[False])
    found: dict[str, Values] = dict.fromkeys(counted, counts)
    if sums_fit(max(top, -low), len(whole)):
        found |= dict.fromkeys(sums, added)
    return found | {name: reached[kind.largest].astype(values.dtype, copy=False) for name, kind in extremes.items()}
