"""GivenRows: what each row was joined with when it came, so that just that goes when the row is taken back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streamsql.errors import Span
from streamsql.expr.types import BIGINT, BOOLEAN, Column, Schema
from streamsql.record import record
from streamsql.state.base import State
from streamsql.state.fixed_width import BoolArray, Int64Array, array_of, int64_array, take_rows, valid_of, values_of
from streamsql.state.key_codes import KeyCodes
from streamsql.state.ordering import lexical_order
from streamsql.state.retractions import never_added
from streamsql.state.trace import Trace


@record(eq=False)
class Partners:
    """Rows of one side beside the rows of the other: `at` are positions in these, ascending.

    `here`: whether there is a partner; its columns count only then.
    """

    at: Int64Array
    columns: list[pa.Array]
    here: BoolArray

    def take(self, indices: Int64Array) -> Partners:
        """Some of them."""
        columns = [take_rows(each, indices) for each in self.columns]
        return Partners(self.at[indices], columns, self.here[indices])


class GivenRows(State):
    """Rows of `schema` and the partners that each was given; of equal rows the earliest are taken back first.

    A row is there with all its partners, or, without any, with one that is not `here`.
    """

    def __init__(self, schema: Schema, partners: Sequence[Column], source: str = "", span: Span | None = None) -> None:
        types = [each.type for each in schema.to_arrow()]
        self._schema, self._source, self._span = schema, source, span
        self._codes = KeyCodes(types, [True] * len(types))
        beside = (Column("$here", BOOLEAN), Column("$row", BIGINT))
        self._given = Trace(Schema((*partners, *beside)), updating=False)
        self._next = 0

    @property
    def rows(self) -> int:
        return self._given.rows

    def add(self, rows: pa.RecordBatch, partners: Partners) -> None:
        """Keep what rows were given; each row is named by at least one of `partners.at`."""
        codes, _ = self._codes.encode(rows.columns, rows.num_rows)
        numbers = int64_array(partners.at + self._next)
        self._next += rows.num_rows
        columns = [*partners.columns, array_of(partners.here, None, pa.bool_()), numbers]
        self._given.add(codes[partners.at], pa.RecordBatch.from_arrays(columns, schema=self._given.schema.to_arrow()))

    def take_back(self, rows: pa.RecordBatch) -> Partners:
        """What rows were given, which is forgotten. DataError for a row that is not there, or not so often."""
        codes, _ = self._codes.encode(rows.columns, rows.num_rows)
        wanted, groups = np.unique(codes, return_inverse=True)
        found = [(np.empty(0, np.int64), np.empty(0, np.int64)), *self._given.probe(wanted, 1 << 62)]
        owners, numbers = (np.concatenate(each) for each in zip(*found, strict=True))
        own = values_of(self._given.take(numbers, [len(self._given.schema.columns) - 1])[0])
        nth = _nth_of_group(owners, own)
        order = lexical_order([groups])
        asked = _keys(groups[order], np.arange(len(order)) - np.searchsorted(groups[order], groups[order]))
        there = _keys(owners, nth)
        first, end = np.searchsorted(there, asked, "left"), np.searchsorted(there, asked, "right")
        self._refuse_missing(rows, order[first == end])
        counts = end - first
        places = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
        taken = self._taken(np.repeat(order, counts), numbers[places])
        self._given.delete(numbers[places])
        return taken

    def settle(self) -> None:
        """Forget what is not needed; call it at the end of a step."""
        self._given.settle()
        self._codes.forget_unused(self._given.rows, lambda: [self._given.used_codes()])

    def save(self) -> dict[str, pa.Table]:
        return {**self._given.save(), **self._codes.save()}

    def load(self, tables: dict[str, pa.Table]) -> None:
        self._codes.load(tables)
        self._given.load(tables)
        numbers = self._given.take(self._given.live_rows())[-1]
        self._next = int(values_of(numbers).max(initial=-1)) + 1

    def _taken(self, at: Int64Array, numbers: Int64Array) -> Partners:
        *columns, here, _ = self._given.take(numbers)
        found = Partners(at, columns, np.asarray(values_of(here)))
        assert valid_of(here) is None
        return found.take(lexical_order([at]))

    def _refuse_missing(self, rows: pa.RecordBatch, missing: Int64Array) -> None:
        if not len(missing):
            return
        values = [each.slice(int(missing.min()), 1) for each in rows.columns]
        raise never_added(self._schema, range(len(values)), values, self._span, source=self._source)


def _nth_of_group(owners: Int64Array, own: Int64Array) -> Int64Array:
    """Which of the rows of its owner each entry belongs to, counted from 0; entries of one row lie together."""
    if not len(owners):
        return owners
    begins = np.append(True, owners[1:] != owners[:-1])
    rows: Int64Array = np.cumsum(begins | np.append(True, own[1:] != own[:-1]))
    found: Int64Array = rows - np.repeat(rows[begins], np.diff(np.append(np.flatnonzero(begins), len(owners))))
    return found


def _keys(owners: Int64Array, nth: Int64Array) -> Int64Array:
    """One number for both, which sorts by the first, then the second."""
    return (owners << np.int64(31)) | nth
