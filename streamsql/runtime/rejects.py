"""Rejects: input records that could not be read or used, kept readable as `<table>$rejects`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.types import STRING, Schema, schema
from streamsql.ports import Reject
from streamsql.runtime.spool import Spool

REJECTS: Schema = schema(("reason", STRING), ("where", STRING), ("text", STRING))
"""The columns of a `$rejects` table: why, where it came from (file and line, or row), and what it said."""


class RejectLog:
    """All rejects of a job, by table."""

    def __init__(self) -> None:
        self._tables: dict[str, Spool] = {}

    @property
    def total(self) -> int:
        return sum(self.counts().values())

    def counts(self) -> dict[str, int]:
        """How many records each table rejected; tables without rejects are absent."""
        return {name: spool.rows for name, spool in self._tables.items()}

    def add(self, table: str, rejects: Sequence[Reject]) -> None:
        """Keep what a source rejected."""
        if rejects:
            columns = [
                [each.reason for each in rejects],
                [each.where for each in rejects],
                [each.text for each in rejects],
            ]
            self._append(table, [pa.array(each, pa.string()) for each in columns])

    def add_rows(
        self, table: str, reason: str, rows: pa.RecordBatch, ordinals: npt.NDArray[np.int64] | None = None
    ) -> None:
        """Keep rows that were read but cannot be used; `ordinals` count its rows from 1, where that is known."""
        count = rows.num_rows
        where = pa.repeat(pa.scalar(""), count)
        if ordinals is not None:
            where = pc.binary_join_element_wise("row", pa.array(ordinals).cast(pa.string()), " ")
        self._append(table, [pa.repeat(pa.scalar(reason), count), where, _text(rows)])

    def add_unknown(self, table: str, rows: pa.RecordBatch) -> None:
        """Keep rows that were to remove the row of a key that is not there."""
        self.add_rows(table, "there is no row with this key to be removed", rows)

    def tables(self) -> tuple[str, ...]:
        """The tables that rejected something."""
        return tuple(self._tables)

    def to_table(self, table: str) -> pa.Table:
        """The rejects of one table; empty where there are none."""
        spool = self._tables.get(table)
        return REJECTS.to_arrow().empty_table() if spool is None else spool.to_table()

    def batches(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Everything, as (table, rows of REJECTS)."""
        for name, spool in self._tables.items():
            yield from ((name, batch) for batch in spool)

    def forget(self) -> None:
        """Drop all of them."""
        self._tables.clear()

    def save(self) -> dict[str, pa.Table]:
        """For a snapshot: the rejects of each table."""
        return {name: spool.to_table() for name, spool in self._tables.items()}

    def load(self, tables: dict[str, pa.Table]) -> None:
        """Take over what `save` gave."""
        for name, table in tables.items():
            for batch in table.to_batches():
                self._append(name, batch.columns)

    def _append(self, table: str, columns: list[pa.Array]) -> None:
        spool = self._tables.setdefault(table, Spool(REJECTS.to_arrow()))
        spool.append(pa.RecordBatch.from_arrays(columns, schema=spool.schema))


def _text(rows: pa.RecordBatch) -> pa.Array:
    """Each row as `name=value, …`."""
    if not rows.num_columns:
        return pa.repeat(pa.scalar(""), rows.num_rows)
    shown = [
        pc.binary_join_element_wise(name, pc.fill_null(_shown(column), "NULL"), "=")
        for name, column in zip(rows.schema.names, rows.columns, strict=True)
    ]
    return pc.binary_join_element_wise(*shown, ", ")


def _shown(column: pa.Array) -> pa.Array:
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type) or pa.types.is_duration(column.type):
        return pa.array([None if each is None else str(each) for each in column.to_pylist()], pa.string())
    return column.cast(pa.string())
