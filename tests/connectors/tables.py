"""What the connector tests share: a table of all types, and reading and writing through the connectors."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from streamsql.expr import types as t
from streamsql.expr.types import Schema, arrow_type
from streamsql.plugins import load_connector
from streamsql.ports import Comparison, Position, ReadRequest, Reject, SourceBatch, TableOptions
from streamsql.time import ManualClock

ALL_TYPES = t.schema(
    ("i", t.INT),
    ("b", t.BIGINT),
    ("tiny", t.TINYINT),
    ("small", t.SMALLINT),
    ("f", t.FLOAT),
    ("d", t.DOUBLE),
    ("dec", t.decimal(10, 3)),
    ("wide", t.decimal(38, 10)),
    ("s", t.STRING),
    ("ok", t.BOOLEAN),
    ("raw", t.BYTES),
    ("ts", t.timestamp(3)),
    ("ts6", t.timestamp(6)),
    ("ltz", t.timestamp_ltz(3)),
    ("day", t.DATE),
    ("clock", t.time(3)),
    ("list", t.array(t.INT)),
    ("m", t.map_(t.STRING, t.DOUBLE)),
    ("row", t.row(("x", "y"), (t.INT, t.array(t.STRING)))),
)
_VALUES: dict[str, list[Any]] = {
    "i": [1, None, -3],
    "b": [2**63 - 1, None, -(2**63)],
    "tiny": [1, None, -128],
    "small": [1, None, 2],
    "f": [1.5, None, float("nan")],
    "d": [0.1, None, float("-inf")],
    "dec": [Decimal("1.500"), None, Decimal("-0.005")],
    "wide": [Decimal("12345678901234567890.1234567891"), None, Decimal(0)],
    "s": ['a"b,c\nd\\é😀 ', None, ""],
    "ok": [True, None, False],
    "raw": [b"\x00\xff", None, b""],
    "ts": [datetime(2024, 1, 1, 0, 0, 0, 5000), None, datetime(1969, 12, 31, 23, 59, 59, 999000)],
    "ts6": [datetime(2024, 1, 1, 0, 0, 0, 5), None, datetime(1, 1, 1)],
    "ltz": [datetime(2024, 1, 1, tzinfo=UTC), None, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)],
    "day": [date(2024, 2, 29), None, date(1950, 1, 1)],
    "clock": [time(1, 2, 3, 4000), None, time(0)],
    "list": [[1, None], None, []],
    "m": [[('k"', 1.5), ("n", None)], None, []],
    "row": [{"x": 1, "y": ["a", None]}, None, {"x": None, "y": None}],
}


def all_types() -> pa.RecordBatch:
    """Three rows: values, NULLs, and the values that break things."""
    arrays = [pa.array(_VALUES[each.name], arrow_type(each.type)) for each in ALL_TYPES]
    return pa.RecordBatch.from_arrays(arrays, schema=ALL_TYPES.to_arrow())


def options(schema: Schema | None, path: Any = None, **more: Any) -> TableOptions:
    """Options of a table `t`; in keyword names `__` stands for `.` and `_` for `-`, unless there is a `.` in them."""
    texts = {key if "." in key else key.replace("__", ".").replace("_", "-"): str(value) for key, value in more.items()}
    if path is not None:
        texts["path"] = str(path)
    return TableOptions("t", schema, texts, ManualClock(1_700_000_000_000_000))


def write(schema: Schema, path: Any, *batches: pa.RecordBatch, **more: Any) -> None:
    """Write a file through the filesystem connector."""
    sink = load_connector("filesystem").sink(options(schema, path, **more))
    sink.open(schema, changelog=False)
    try:
        for batch in batches:
            sink.write(batch, None)
    except BaseException:
        sink.abort()
        raise
    sink.commit()


def read(
    schema: Schema,
    path: Any,
    columns: Iterable[str] | None = None,
    *,
    batch_rows: int = 1000,
    start: Position | None = None,
    predicate: tuple[Comparison, ...] = (),
    **more: Any,
) -> list[SourceBatch]:
    """All batches of a table through the filesystem connector."""
    source = load_connector("filesystem").source(options(schema, path, **more))
    wanted = schema.names if columns is None else tuple(columns)
    return list(source.read(ReadRequest(wanted, batch_rows, predicate, start)))


def rows_of(batches: Iterable[SourceBatch]) -> list[dict[str, Any]]:
    """All rows as dicts."""
    return [row for each in batches for row in each.rows.to_pylist()]


def rejects_of(batches: Iterable[SourceBatch]) -> list[Reject]:
    """All rejects in order."""
    return [reject for each in batches for reject in each.rejects]


def batch(schema: Schema, **columns: list[Any]) -> pa.RecordBatch:
    """A record batch from lists."""
    arrays = [pa.array(columns[each.name], arrow_type(each.type)) for each in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.to_arrow())


def kinds(*values: int) -> np.ndarray[Any, np.dtype[np.int8]]:
    """Row kinds as the runtime gives them."""
    return np.array(values, np.int8)
