"""Raw lines: one STRING or BYTES column, nothing escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from streamsql.errors import DataError, UsageError
from streamsql.expr.types import BYTES_KINDS, STRING, STRINGS, Schema, arrow_type, schema
from streamsql.ports import FileReader, FileWriter, OptionInfo, RecordFile
from streamsql_connectors.formats.block_rows import BlockRows, Problem, columns_batch, finish_block
from streamsql_connectors.formats.text_reader import TextReader
from streamsql_connectors.options import choice, option
from streamsql_connectors.text_blocks import TextBlock
from streamsql_connectors.text_lines import invalid_utf8, split_lines, without_line_ends

_HINT = "declare the column as BYTES to read other encodings"


class RawFormat:
    """Each line is a row, an empty one too."""

    options: tuple[OptionInfo, ...] = (OptionInfo("charset", "UTF-8", "the encoding of a STRING", "UTF-8"),)
    appendable = True

    def reader(self, schema: Schema, options: Mapping[str, str]) -> FileReader:
        """Splits lines; a STRING must be UTF-8."""
        _check(schema, options)
        decode = _RawDecoder(schema).decode
        return TextReader(lambda _: decode, _HINT)

    def writer(self, schema: Schema, options: Mapping[str, str], target: BinaryIO, *, start: bool) -> FileWriter:
        """Values as they are, a newline behind each; NULL gives an empty line."""
        _check(schema, options)
        return _RawWriter(target)

    def infer(self, file: RecordFile, options: Mapping[str, str]) -> Schema:
        """Always one column `line`."""
        return schema(("line", STRING))


def _check(columns: Schema, options: Mapping[str, str]) -> None:
    option(options, "charset", choice("UTF-8", "utf-8"), "UTF-8")
    kinds = [each.type.kind for each in columns]
    if len(kinds) != 1 or kinds[0] not in (*STRINGS, *BYTES_KINDS):
        named = ", ".join(f"{each.name} {each.type}" for each in columns)
        raise UsageError(f"format raw holds one STRING or BYTES column, not ({named})")


@dataclass(frozen=True, slots=True)
class _RawDecoder:
    schema: Schema

    def decode(self, block: TextBlock, columns: Sequence[str]) -> BlockRows:
        lines = split_lines(block.data)
        (column,) = self.schema
        problems = []
        if column.type.kind in STRINGS:
            problems = [Problem(each, "not valid UTF-8") for each in invalid_utf8(lines).tolist()]
        values = {column.name: without_line_ends(lines).array(arrow_type(column.type))}
        batch = columns_batch(self.schema, columns, values, len(lines))
        if not problems:
            return BlockRows(batch, len(lines))
        return finish_block(batch, np.arange(len(lines)), problems, lines, ignore_errors=False)


class _RawWriter:
    def __init__(self, target: BinaryIO) -> None:
        self._target = target

    def write(self, rows: pa.RecordBatch) -> None:
        import pyarrow.compute as pc

        from streamsql_connectors.formats.text_render import value_bytes

        if rows.num_columns != 1:
            raise DataError("format raw cannot show a changelog", hint="write another format, or an append-only query")
        values = pc.fill_null(rows.column(0), "" if pa.types.is_string(rows.column(0).type) else b"")
        newline = pa.scalar("\n" if pa.types.is_string(values.type) else b"\n", values.type)
        empty = pa.scalar("" if pa.types.is_string(values.type) else b"", values.type)
        self._target.write(value_bytes(pc.binary_join_element_wise(values, newline, empty)))

    def finish(self) -> None:
        """Nothing belongs at the end."""
