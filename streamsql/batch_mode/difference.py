"""Two tables compared as multisets of rows: floating point to 9 significant digits, all else exactly."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.batch_mode.connection import open_cursor
from streamsql.batch_mode.nested import rebuild_column
from streamsql.record import record

_DOUBLE_DIGITS, _FLOAT_DIGITS = 9, 6
Indices = npt.NDArray[np.int64]


@record(eq=False)
class Difference:
    """The rows that only one side has; a row that comes more often on one side is there as often as it is missing."""

    stream_only: pa.Table
    batch_only: pa.Table

    @property
    def rows(self) -> int:
        """How many rows have no partner, both sides together."""
        return int(self.stream_only.num_rows + self.batch_only.num_rows)


def difference(stream: pa.Table, batch: pa.Table) -> Difference:
    """What is left of both tables, which have one schema, when equal rows have cancelled each other."""
    if stream.equals(batch):
        return Difference(stream.slice(0, 0), batch.slice(0, 0))
    left, right = _unpaired(comparable(stream), comparable(batch))
    if len(left) and len(right):
        near_left, near_right = _nearly_equal(stream.take(pa.array(left)), batch.take(pa.array(right)))
        left, right = np.delete(left, near_left), np.delete(right, near_right)
    return Difference(stream.take(pa.array(left)), batch.take(pa.array(right)))


def first_disorder(stream: pa.Table, other: pa.Table) -> int | None:
    """The first position at which two tables of equal length differ; None: the same rows in the same order."""
    if stream.equals(other):
        return None
    with open_cursor() as connection:
        _register(connection, "a", comparable(stream))
        _register(connection, "b", comparable(other))
        changed = " OR ".join(f"a.k{index} IS DISTINCT FROM b.k{index}" for index in range(stream.num_columns))
        [(first,)] = connection.sql(f"SELECT min(a.i) FROM a JOIN b ON a.i = b.i WHERE {changed}").fetchall()
    return None if first is None else int(first)


def comparable(table: pa.Table) -> pa.Table:
    """The table with floating point rounded to the digits that count, in lists, maps and rows too; -0.0 is 0.0."""
    columns = [rebuild_column(each, each.type, _rounded) if _has_floats(each.type) else each for each in table.columns]
    return pa.Table.from_arrays(columns, names=table.column_names)


def _rounded(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    if not pa.types.is_floating(wanted):
        return array
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    values = array.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64)
    digits = _DOUBLE_DIGITS if wanted == pa.float64() else _FLOAT_DIGITS
    with np.errstate(all="ignore"):
        scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(values))))
        rounded = np.rint(values * scale) / scale
    # Zero, the infinities and what is too large or small to scale stay as they are.
    kept = np.where(np.isfinite(rounded), rounded, values) + 0.0
    return pa.array(kept, pa.float64(), mask=~valid).cast(wanted)


def _has_floats(type_: pa.DataType) -> bool:
    if pa.types.is_nested(type_):
        return any(_has_floats(type_.field(index).type) for index in range(type_.num_fields))
    return bool(pa.types.is_floating(type_))


def _register(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    """The table with columns `k0 …` and its row numbers as `i`."""
    names = [f"k{index}" for index in range(table.num_columns)]
    numbered = table.rename_columns(names).append_column("i", pa.array(np.arange(table.num_rows)))
    connection.register(name, numbered)


def _same(keys: Sequence[str]) -> str:
    return " AND ".join(f"x.{each} IS NOT DISTINCT FROM y.{each}" for each in keys) or "TRUE"


def _unpaired(stream: pa.Table, batch: pa.Table) -> tuple[Indices, Indices]:
    """The row numbers on either side of the rows that the other side lacks, in order."""
    keys = [f"k{index}" for index in range(stream.num_columns)]
    by = ", ".join(keys)
    with open_cursor() as connection:
        _register(connection, "stream", stream)
        _register(connection, "batch", batch)
        found = connection.sql(f"""
            WITH x AS (SELECT *, TRUE AS streamed FROM stream UNION ALL SELECT *, FALSE FROM batch),
            counted AS (SELECT {by}, count(*) FILTER (streamed) AS a, count(*) FILTER (NOT streamed) AS b
                        FROM x GROUP BY {by}),
            y AS (SELECT {by}, least(a, b) AS common FROM counted WHERE a <> b),
            numbered AS (SELECT x.i, x.streamed, y.common,
                           row_number() OVER (PARTITION BY {", ".join(f"x.{each}" for each in keys)}, streamed
                                              ORDER BY x.i) AS nth
                         FROM x JOIN y ON {_same(keys)})
            SELECT streamed, i FROM numbered WHERE nth > common ORDER BY i""").fetchnumpy()
    streamed = found["streamed"].astype(bool)
    return found["i"][streamed], found["i"][~streamed]


def _nearly_equal(stream: pa.Table, batch: pa.Table) -> tuple[Indices, Indices]:
    """Pairs of rows that rounding tore apart: equal but for floats that differ by less than a unit of the last digit.

    Rows that agree in all else are paired in the order of their floats.
    """
    floats = [index for index, each in enumerate(stream.columns) if pa.types.is_floating(each.type)]
    nothing = np.zeros(0, np.int64)
    if not floats:
        return nothing, nothing
    exact = [f"k{index}" for index in range(stream.num_columns) if index not in floats]
    near = [_near(f"k{index}", 9 if stream.column(index).type == pa.float64() else 6) for index in floats]
    order = ", ".join(f"k{index}" for index in floats)
    partition = f"PARTITION BY {', '.join(exact)} " if exact else ""
    nth = f"row_number() OVER ({partition}ORDER BY {order}) AS nth"
    with open_cursor() as connection:
        _register(connection, "stream", _only_floats_exact(stream))
        _register(connection, "batch", _only_floats_exact(batch))
        found = connection.sql(f"""
            WITH x AS (SELECT *, {nth} FROM stream), y AS (SELECT *, {nth} FROM batch)
            SELECT x.i AS a, y.i AS b FROM x JOIN y ON x.nth = y.nth AND {_same(exact)}
            WHERE {" AND ".join(near)}""").fetchnumpy()
    return found["a"], found["b"]


def _only_floats_exact(table: pa.Table) -> pa.Table:
    """Plain floats as they are, floats inside nested values rounded."""
    rounded = comparable(table)
    columns = [
        given if pa.types.is_floating(given.type) else other
        for given, other in zip(table.columns, rounded.columns, strict=True)
    ]
    return pa.Table.from_arrays(columns, names=table.column_names)


def _near(key: str, digits: int) -> str:
    a, b = f"x.{key}::DOUBLE", f"y.{key}::DOUBLE"
    return f"({a} IS NOT DISTINCT FROM {b} OR abs({a} - {b}) <= 1e-{digits - 1} * greatest(abs({a}), abs({b})))"
