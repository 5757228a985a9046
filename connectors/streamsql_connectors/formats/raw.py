"""Raw lines: one STRING or BYTES column, nothing escaped."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from streamsql.errors import DataError, UsageError
from streamsql.expr.types import BYTES_KINDS, STRING, STRINGS, Schema, arrow_type, schema
from streamsql.ports import FileReader, FileWriter, OptionInfo, RecordFile
from streamsql.record import record
from streamsql_connectors.formats.block_rows import BlockRows, Problem, columns_batch, finish_block
from streamsql_connectors.formats.text_reader import TextReader
from streamsql_connectors.options import choice, option
from streamsql_connectors.text_blocks import TextBlock
from streamsql_connectors.text_lines import Lines, invalid_utf8, without_line_ends

_HINT = "name its encoding with 'raw.charset', or declare the column as BYTES"
_UTF8 = "utf-8"


class RawFormat:
    """Each line is a row, an empty one too."""

    options: tuple[OptionInfo, ...] = (
        OptionInfo("charset", "text", "the encoding of a STRING, in which a newline is one byte", "UTF-8"),
        OptionInfo("endianness", "big-endian | little-endian", "of numbers, which raw lines do not hold", "big-endian"),
    )
    appendable = True
    append_only = True

    def reader(self, schema: Schema, options: Mapping[str, str]) -> FileReader:
        """Splits lines; a STRING must be text in the charset."""
        decode = _RawDecoder(schema, _charset(schema, options)).decode
        return TextReader(lambda _: decode, _HINT)

    def writer(self, schema: Schema, options: Mapping[str, str], target: BinaryIO, *, start: bool) -> FileWriter:
        """Values as they are, a newline behind each; NULL gives an empty line."""
        return _RawWriter(target, _charset(schema, options))

    def infer(self, file: RecordFile, options: Mapping[str, str]) -> Schema:
        """Always one column `line`."""
        return schema(("line", STRING))


def _charset(columns: Schema, options: Mapping[str, str]) -> str:
    """The charset of the one column; UsageError where there is not one that raw can hold."""
    option(options, "endianness", choice("big-endian", "little-endian"), "big-endian")
    kinds = [each.type.kind for each in columns]
    if len(kinds) != 1 or kinds[0] not in (*STRINGS, *BYTES_KINDS):
        named = ", ".join(f"{each.name} {each.type}" for each in columns)
        raise UsageError(f"format raw holds one STRING or BYTES column, not ({named})")
    return option(options, "charset", _known_charset, _UTF8)


def _known_charset(text: str) -> str:
    """The name by which Python knows a charset of single-byte newlines."""
    try:
        known = codecs.lookup(text).name
        newline = "a\n".encode(known)
    except (LookupError, UnicodeError):
        raise ValueError("write the name of a charset, such as ISO-8859-1") from None
    if not newline.endswith(b"\n") or len(newline) != 2:
        raise ValueError("lines of this charset cannot be told apart: convert the file to UTF-8")
    return known


@record
class _RawDecoder:
    schema: Schema
    charset: str

    def decode(self, block: TextBlock, columns: Sequence[str]) -> BlockRows:
        (column,) = self.schema
        lines = Lines(block.data)
        problems: list[Problem] = []
        if column.type.kind in STRINGS:
            lines, problems = self._text(lines)
        values = {column.name: without_line_ends(lines).array(arrow_type(column.type))}
        batch = columns_batch(self.schema, columns, values, len(lines))
        if not problems:
            return BlockRows(batch, len(lines))
        return finish_block(batch, np.arange(len(lines)), problems, lines, ignore_errors=False)

    def _text(self, lines: Lines) -> tuple[Lines, list[Problem]]:
        """The lines in UTF-8, up to the first that is no text, which is a problem."""
        if self.charset == _UTF8:
            return lines, [Problem(each, "not valid UTF-8") for each in invalid_utf8(lines).tolist()]
        data = bytes(lines.data)
        try:
            return _in_utf8(data.decode(self.charset)), []
        except UnicodeDecodeError as error:
            bad = int(np.searchsorted(lines.ends, error.start, side="right"))
            whole = data[: int(lines.starts[bad])].decode(self.charset)
            shown = lines.text(bad)
            return _in_utf8(f"{whole}{shown}\n"), [Problem(bad, f"not valid {self.charset}", text=shown)]


def _in_utf8(text: str) -> Lines:
    return Lines(pa.py_buffer(text.encode()))


class _RawWriter:
    def __init__(self, target: BinaryIO, charset: str) -> None:
        self._target = target
        self._charset = charset

    def write(self, rows: pa.RecordBatch) -> None:
        import pyarrow.compute as pc

        from streamsql_connectors.formats.text_render import value_bytes

        if rows.num_columns != 1:
            raise DataError("format raw cannot show a changelog", hint="write another format, or an append-only query")
        is_text = pa.types.is_string(rows.column(0).type)
        values = pc.fill_null(rows.column(0), "" if is_text else b"")
        newline = pa.scalar("\n" if is_text else b"\n", values.type)
        empty = pa.scalar("" if is_text else b"", values.type)
        lines = value_bytes(pc.binary_join_element_wise(values, newline, empty))
        self._target.write(self._encoded(lines) if is_text and self._charset != _UTF8 else lines)

    def _encoded(self, lines: pa.Buffer) -> bytes:
        try:
            return bytes(lines).decode().encode(self._charset)
        except UnicodeEncodeError as error:
            character = error.object[error.start]
            raise DataError(
                f"'{character}' cannot be written in {self._charset}", hint="leave 'raw.charset' out"
            ) from None

    def finish(self) -> None:
        """Nothing belongs at the end."""
