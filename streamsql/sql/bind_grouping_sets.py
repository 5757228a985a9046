"""GROUPING SETS, ROLLUP and CUBE: which keys each set has, and the rows once for each set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

from streamsql.expr import types as t
from streamsql.expr.nodes import Expr, Literal
from streamsql.expr.resolve import resolve_call, resolve_case
from streamsql.plan.logical import GROUPING, Field, Plan, Project, Unnest
from streamsql.record import record
from streamsql.sql.context import Context
from streamsql.sql.dialect import exp
from streamsql.sql.scope import column_ref

Tree = Any
Trees = tuple[Tree, ...]
_SET_WORDS = (exp.GroupingSets, exp.Rollup, exp.Cube)
_NUMBER = t.INT.with_nullable(False)
_BITS = t.BIGINT.with_nullable(False)


def has_sets(items: Sequence[Tree]) -> bool:
    """Whether a GROUP BY has more than one grouping set."""
    return any(isinstance(each, _SET_WORDS) for each in items)


def sets_of(items: Sequence[Tree]) -> list[Trees]:
    """The keys of each set; what stands beside a ROLLUP, CUBE or GROUPING SETS is in every set of it."""
    return [sum(parts, ()) for parts in product(*map(_sets_of_item, items))]


def _sets_of_item(item: Tree) -> list[Trees]:
    match item:
        case exp.GroupingSets():
            return [keys for each in item.expressions for keys in _sets_of_item(each)]
        case exp.Rollup():
            units = [_unit(each) for each in item.expressions]
            return [sum(units[:length], ()) for length in range(len(units), -1, -1)]
        case exp.Cube():
            units = [_unit(each) for each in item.expressions]
            sizes = range(len(units), -1, -1)
            return [sum(some, ()) for size in sizes for some in combinations(units, size)]
        case _:
            return [_unit(item)]


def _unit(item: Tree) -> Trees:
    return tuple(item.expressions) if isinstance(item, exp.Tuple) else (item,)


@record
class GroupingSets:
    """The sets of a GROUP BY; keys go by the id of the column below that holds them.

    `keys`: all keys, in order. `rolled`: those that some set lacks, with the column that is NULL there. `number`: the
    column that tells sets apart: the bits of the keys that a set lacks, the first key's highest.
    """

    keys: tuple[int, ...]
    sets: tuple[frozenset[int], ...]
    rolled: dict[int, Field]
    number: Field

    @staticmethod
    def of(keys: Sequence[Field], sets: Sequence[frozenset[int]], context: Context) -> GroupingSets:
        """New columns for the keys that some set lacks."""
        everywhere = frozenset.intersection(*sets)
        rolled = {
            each.id: context.field(f"${each.name}", each.type.with_nullable(True))
            for each in keys
            if each.id not in everywhere
        }
        ids = tuple(each.id for each in keys)
        return GroupingSets(ids, tuple(sets), rolled, context.field(GROUPING, _NUMBER))

    def expanded(self, below: Plan) -> Plan:
        """Each row once for each set, with the keys that the set lacks as NULL."""
        numbers = tuple(self._numbers())
        sets = Literal(numbers, type=t.array(_NUMBER).with_nullable(False))
        repeated = Unnest(input=below, expr=sets, elements=(self.number,), fields=(*below.fields, self.number))
        fields = {each.id: each for each in below.fields}
        copies = [(self._copy(fields[id_], numbers), column) for id_, column in self.rolled.items()]
        return Project(
            input=repeated,
            exprs=(*(column_ref(each) for each in repeated.fields), *(expr for expr, _ in copies)),
            fields=(*repeated.fields, *(column for _, column in copies)),
        )

    def grouping(self, keys: Sequence[int]) -> Expr:
        """GROUPING_ID of some keys: a bit for each, the first one's highest, set where the key is rolled up."""
        branches = [
            (self._is(number), Literal(_bits(keys, have), type=_BITS))
            for number, have in zip(self._numbers(), self.sets, strict=True)
        ]
        return resolve_case(branches[:-1], branches[-1][1]) if len(branches) > 1 else branches[0][1]

    def _copy(self, key: Field, numbers: Sequence[int]) -> Expr:
        having = [number for number, have in zip(numbers, self.sets, strict=True) if key.id in have]
        condition = self._is(having[0])
        for each in having[1:]:
            condition = resolve_call("OR", (condition, self._is(each)))
        return resolve_case([(condition, column_ref(key))], None)

    def _is(self, number: int) -> Expr:
        return resolve_call("=", (column_ref(self.number), Literal(number, type=_NUMBER)))

    def _numbers(self) -> list[int]:
        """One number a set; equal sets, which are allowed, get numbers next to each other."""
        bits = [_bits(self.keys, each) for each in self.sets]
        most = max(Counter(bits).values())
        return [each * most + bits[:place].count(each) for place, each in enumerate(bits)]


def _bits(keys: Sequence[int], have: frozenset[int]) -> int:
    total = 0
    for each in keys:
        total = total * 2 + (each not in have)
    return total


def without_sets() -> Expr:
    """GROUPING and GROUPING_ID where there is one set: nothing is rolled up."""
    return Literal(0, type=_BITS)
