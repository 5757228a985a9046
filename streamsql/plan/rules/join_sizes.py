"""The order of inner joins in which the least is kept, where it is known how many rows their tables have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from streamsql.expr.nodes import Call, ColumnRef, Expr
from streamsql.expr.types import BOOLEAN
from streamsql.plan.logical import Plan, Scan, Table
from streamsql.plan.tree import walk_plan

Sizes = Callable[[Table], int | None]
"""How many rows a table has; None: unknown, or there will be more."""
Connected = Callable[[Plan, Sequence[Plan]], bool]

_LARGE = 100_000
"""Where no input is so large, any order will do."""
_WORTHWHILE = 4
"""By what factor another order must keep less than the one that was written."""


def unknown(table: Table) -> int | None:
    """What is said of tables that nobody has counted."""
    return None


def smallest_first(leaves: Sequence[Plan], connected: Connected, sizes: Sizes) -> list[Plan] | None:
    """The leaves from the smallest on, each connected with those before it; None: the written order is good enough.

    An intermediate result counts as large as the largest of its inputs, as it is where keys are joined.
    """
    counts = {id(each): _size(each, sizes) for each in leaves}
    known = {key: count for key, count in counts.items() if count is not None}
    if len(known) < len(leaves) or max(known.values()) < _LARGE:
        return None
    waiting = sorted(leaves, key=lambda each: known[id(each)])
    order = [waiting.pop(0)]
    while waiting:
        following = next((each for each in waiting if connected(each, order)), None)
        if following is None:
            return None
        waiting.remove(following)
        order.append(following)
    return order if _WORTHWHILE * _kept(order, known) <= _kept(leaves, known) else None


def _size(leaf: Plan, sizes: Sizes) -> int | None:
    counts = [sizes(each.table) for each in walk_plan(leaf) if isinstance(each, Scan)]
    known = [each for each in counts if each is not None]
    return max(known, default=0) if len(known) == len(counts) else None


def _kept(order: Sequence[Plan], counts: dict[int, int]) -> int:
    """The rows of all intermediate results but the last."""
    return sum(max(counts[id(each)] for each in order[:end]) for end in range(2, len(order)))


class Equalities:
    """Which columns are equal by the conditions seen so far."""

    def __init__(self) -> None:
        self._class: dict[int, frozenset[int]] = {}
        self._columns: dict[int, ColumnRef] = {}

    def add(self, term: Expr) -> bool:
        """Take in a condition; whether it is an equality of columns that was known already."""
        pair = _columns(term)
        if pair is None:
            return False
        one, two = pair
        mine, other = (self._class.get(each.id, frozenset((each.id,))) for each in pair)
        if one.id in other:
            return True
        self._columns |= {one.id: one, two.id: two}
        self._class |= dict.fromkeys(mine | other, mine | other)
        return False

    def implied(self) -> Iterator[Expr]:
        """An equality for every two columns that are equal."""
        for members in set(self._class.values()):
            for one, two in combinations(sorted(members), 2):
                yield Call(type=BOOLEAN, function="=", args=(self._columns[one], self._columns[two]))


def _columns(term: Expr) -> tuple[ColumnRef, ColumnRef] | None:
    match term:
        case Call(function="=", args=(ColumnRef() as one, ColumnRef() as two)) if one.type.with_nullable(
            True
        ) == two.type.with_nullable(True):
            return one, two
        case _:
            return None
