"""Rows in changelog notation: `+I[1, a]`, as Flink's print connector shows them."""

from __future__ import annotations

import pyarrow as pa

from streamsql.expr.types import Kind, Schema, SqlType
from streamsql.ports import RowKinds
from streamsql_connectors.changelog_column import short_kinds

_NESTED = (Kind.ROW, Kind.ARRAY, Kind.MAP, Kind.MULTISET)


def changelog_lines(rows: pa.RecordBatch, kinds: RowKinds | None, schema: Schema, prefix: str = "") -> bytes:
    """One line a row, each with its kind: all `+I` where kinds is None."""
    import pyarrow.compute as pc

    from streamsql_connectors.formats.text_render import value_bytes

    if not rows.num_rows:
        return b""
    pieces: list[pa.Array | str] = [prefix, short_kinds(kinds, rows.num_rows), "["]
    for values, type_ in zip(rows.columns, schema.types, strict=True):
        pieces += [_cell(values, type_), ", "]
    if rows.num_columns:
        pieces.pop()
    return bytes(memoryview(value_bytes(pc.binary_join_element_wise(*pieces, "]\n", ""))))


def _cell(values: pa.Array, type_: SqlType) -> pa.Array:
    import pyarrow.compute as pc

    from streamsql_connectors.formats.json_encode import to_json
    from streamsql_connectors.formats.text_render import render_scalar

    text = to_json(values, type_) if type_.kind in _NESTED else render_scalar(values, type_)
    return pc.if_else(pc.is_valid(values), text, "NULL")
