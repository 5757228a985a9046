"""Ranks of rows within their owners before and after a step, and what of that has changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamsql.batch import Weights
from streamsql.record import record
from streamsql.state.fixed_width import AnyArray, BoolArray, Int64Array
from streamsql.state.ordering import lexical_order


@record
class RankBounds:
    """The ranks that are wanted: `function` is ROW_NUMBER, RANK or DENSE_RANK, `numbered` whether they are shown."""

    function: str
    first: int
    last: int
    numbered: bool


@record(eq=False)
class Ranked:
    """Rows of some owners in the order of owner and rank: `order` holds their positions.

    `begins`: for each place in that order, the place where its owner's rows begin; `ties`: where the rows begin that
    are equal to it in what they are ordered by.
    """

    order: Int64Array
    begins: Int64Array
    ties: Int64Array

    @staticmethod
    def of(owners: Int64Array, codes: Sequence[Int64Array], order: Int64Array) -> Ranked:
        """`codes` are what SQL orders by; `order`: positions by owner, codes, and what tells equal rows apart."""
        new_owner = _differs(owners[order])
        new_value = new_owner.copy()
        for each in codes:
            new_value |= _differs(each[order])
        return Ranked(order, _runs(new_owner), _runs(new_value))

    def expand(self, counts: Int64Array, function: str) -> tuple[Int64Array, Int64Array]:
        """Place and rank of every copy of every row, in order; `counts`: of each row (by position) the copies."""
        copies = counts[self.order]
        before = np.cumsum(copies) - copies
        places = np.repeat(np.arange(len(copies)), copies)
        if function == "DENSE_RANK":
            return places, self._dense(copies)[places]
        if function == "RANK":
            return places, (before[self.ties] - before[self.begins] + 1)[places]
        return places, np.arange(len(places)) - before[self.begins][places] + 1

    def _dense(self, copies: Int64Array) -> Int64Array:
        """Only values that have a copy count."""
        present = np.zeros(len(copies), np.bool_)
        present[self.ties[copies > 0]] = True
        values = np.cumsum(present)
        ahead: Int64Array = values - present
        return np.asarray(values[self.ties] - ahead[self.begins])


@record(eq=False)
class RankChanges:
    """Rows that leave (-1) and enter (+1) the wanted ranks: position, rank and weight, by owner and rank."""

    rows: Int64Array
    ranks: Int64Array
    weights: Weights


def rank_changes(ranked: Ranked, bounds: RankBounds, old: Int64Array, new: Int64Array) -> RankChanges:
    """From the copies of each row before and after; a row that keeps its rank (or, unnumbered, its place) is silent."""
    left = _wanted(*ranked.expand(old, bounds.function), bounds)
    entered = _wanted(*ranked.expand(new, bounds.function), bounds)
    left, entered = _without_common(left, entered, bounds.numbered)
    places = np.concatenate([left[0], entered[0]])
    ranks = np.concatenate([left[1], entered[1]])
    weights = np.repeat(np.array([-1, 1], np.int8), [len(left[0]), len(entered[0])])
    by_rank = lexical_order([ranked.begins[places], ranks, weights.astype(np.int64)])
    return RankChanges(ranked.order[places[by_rank]], ranks[by_rank], weights[by_rank])


def _wanted(places: Int64Array, ranks: Int64Array, bounds: RankBounds) -> tuple[Int64Array, Int64Array]:
    wanted = (ranks >= bounds.first) & (ranks <= bounds.last)
    return places[wanted], ranks[wanted]


def _without_common(
    left: tuple[Int64Array, Int64Array], entered: tuple[Int64Array, Int64Array], numbered: bool
) -> tuple[tuple[Int64Array, Int64Array], tuple[Int64Array, Int64Array]]:
    """Take out what is in both: (place, rank) where ranks are shown, else place, as often as it is in both."""
    return _less(left, entered, numbered), _less(entered, left, numbered)


def _less(
    some: tuple[Int64Array, Int64Array], others: tuple[Int64Array, Int64Array], numbered: bool
) -> tuple[Int64Array, Int64Array]:
    mine, theirs = _copies(some, numbered), _copies(others, numbered)
    kept = ~np.isin(mine, theirs, assume_unique=True)
    return some[0][kept], some[1][kept]


def _copies(rows: tuple[Int64Array, Int64Array], numbered: bool) -> Int64Array:
    """A number for each copy: by place and rank, or by place and how many copies of it came before."""
    places, ranks = rows
    if not len(places):
        return places
    if not numbered:
        starts = _runs(_differs(places))
        ranks = np.arange(len(places)) - starts
    return np.asarray(places << np.int64(32) | ranks)


def _differs(values: AnyArray) -> BoolArray:
    """Where a value is not the one before it; the first counts as different."""
    different = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=different[1:])
    return different


def _runs(begins: BoolArray) -> Int64Array:
    """For each place, where its run begins."""
    return np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0))
