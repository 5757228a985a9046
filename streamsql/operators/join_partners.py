"""How many partners the rows of one side of a join have, and what a step changes of that."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from streamsql.operators.join_pairs import Matched, Pairs
from streamsql.state.fixed_width import Int64Array
from streamsql.state.ordering import distinct
from streamsql.state.trace import Trace

Presence = Callable[[Int64Array, Int64Array], Int64Array]
"""From how often rows are there, and how many partners each has, to how often they show in the result."""


def alone(counts: Int64Array, partners: Int64Array) -> Int64Array:
    """Rows show while they have no partner: paddings, and NOT EXISTS."""
    return np.where(partners > 0, 0, counts)


def accompanied(counts: Int64Array, partners: Int64Array) -> Int64Array:
    """Rows show while they have a partner: EXISTS."""
    return np.where(partners > 0, counts, 0)


class Partners:
    """Keeps the tallies of a trace at the number of partners of each of its rows, over one step.

    `port`: which side of the join the trace is.
    """

    def __init__(self, trace: Trace, port: int) -> None:
        self._trace = trace
        self._port = port
        self._first = trace.bound
        self._counts: list[tuple[Int64Array, Int64Array]] = []
        self._tallies: list[tuple[Int64Array, Int64Array]] = []

    def record(self, matched: Matched, sign: int) -> None:
        """Take in what one sign of the step did."""
        if self._port == 0:
            self._arrived(matched.left, matched.first_left, matched.new_left.left, matched.new_left, sign)
            self._met(matched.new_right.left, sign)
        else:
            self._arrived(matched.right, matched.first_right, matched.new_right.right, matched.new_right, sign)
            self._met(matched.new_left.right, sign)

    def changes(self, presence: Presence) -> tuple[Int64Array, Int64Array]:
        """Rows that show more or less often than before the step: their numbers, ascending, and the differences."""
        new = np.arange(self._first, self._trace.bound)
        shown = presence(self._trace.live(new), self._trace.tallies(new))
        numbers = distinct(np.concatenate([new[:0], *(old for old, _ in (*self._counts, *self._tallies))]))
        counts, tallies = self._trace.live(numbers), self._trace.tallies(numbers)
        before = presence(counts - _sums(numbers, self._counts), tallies - _sums(numbers, self._tallies))
        numbers = np.concatenate([numbers, new])
        differences = np.concatenate([presence(counts, tallies) - before, shown])
        changed = np.flatnonzero(differences)
        return numbers[changed], differences[changed]

    def _arrived(self, numbers: Int64Array, first: int, owners: Int64Array, pairs: Pairs, sign: int) -> None:
        """Rows of the trace itself came or went; new ones find partners that are there (`owners` run by pair)."""
        if not len(numbers):
            return
        self._note(self._counts, numbers, sign)
        new = owners >= first
        if sign < 0 or not len(owners) or not new.any():
            return  # a row that was there before has its partners already
        size = self._trace.bound - first
        partners = np.zeros(size, np.int64)
        np.add.at(partners, owners[new] - first, pairs.often()[new])
        # A row that came twice met each of its partners twice.
        partners //= np.maximum(np.bincount(numbers[numbers >= first] - first, minlength=size), 1)
        self._trace.add_to_tallies(np.arange(first, first + size), partners)

    def _met(self, numbers: Int64Array, sign: int) -> None:
        """Rows of the trace got (or lost) one partner each time they are named."""
        if len(numbers):
            self._trace.add_to_tallies(numbers, np.full(len(numbers), sign))
            self._note(self._tallies, numbers, sign)

    def _note(self, notes: list[tuple[Int64Array, Int64Array]], numbers: Int64Array, sign: int) -> None:
        """Remember what changes of the rows that were there before the step."""
        old = numbers[numbers < self._first]
        if len(old):
            notes.append((old, np.full(len(old), sign)))


def _sums(numbers: Int64Array, parts: list[tuple[Int64Array, Int64Array]]) -> Int64Array:
    """The sum of all amounts given to each of some ascending numbers."""
    sums = np.zeros(len(numbers), np.int64)
    for named, amounts in parts:
        np.add.at(sums, np.searchsorted(numbers, named), amounts)
    return sums
