"""JSON lines: one object a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

from streamsql.expr.types import Schema
from streamsql.ports import FileReader, FileWriter, OptionInfo, RecordFile
from streamsql_connectors.formats.json_options import HINT, OPTIONS, JsonOptions
from streamsql_connectors.formats.text_reader import TextReader


class JsonFormat:
    """Flink's `json`: unknown fields are ignored, absent ones are NULL, '12' may be an INT and 12 a STRING."""

    options: tuple[OptionInfo, ...] = OPTIONS
    appendable = True

    def reader(self, schema: Schema, options: Mapping[str, str]) -> FileReader:
        """Decodes a block at a time, with Arrow where it can, else with DuckDB."""
        from streamsql_connectors.formats.json_decode import JsonDecoder
        from streamsql_connectors.formats.readable import refuse_unreadable

        refuse_unreadable(schema, "json")
        chosen = JsonOptions.of(options)
        decode = JsonDecoder(schema, chosen.ignore_errors, chosen.fail_on_missing).decode
        return TextReader(lambda _: decode, HINT)

    def writer(self, schema: Schema, options: Mapping[str, str], target: BinaryIO, *, start: bool) -> FileWriter:
        """One object a line."""
        from streamsql_connectors.formats.json_encode import JsonWriter

        return JsonWriter(schema, target, JsonOptions.of(options).style)

    def infer(self, file: RecordFile, options: Mapping[str, str]) -> Schema:
        """Columns of the first 8 MB in the order in which they appear."""
        from streamsql_connectors.formats.json_infer import infer_json

        JsonOptions.of(options)
        return infer_json(file)
