"""Debezium's change events as JSON lines: `{"before": {…}, "after": {…}, "op": "u"}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

from streamsql.expr.types import Schema
from streamsql.ports import FileReader, FileWriter, OptionInfo, RecordFile
from streamsql_connectors.formats.json_options import OPTIONS, JsonOptions
from streamsql_connectors.formats.text_reader import TextReader
from streamsql_connectors.options import boolean, option

_HINT = (
    "set 'debezium-json.ignore-parse-errors' = 'true' to go on without such records; they are counted and kept as "
    "rejects"
)
_SCHEMA_INCLUDE = "schema-include"
_JSON = tuple(each for each in OPTIONS if each.name != "fail-on-missing-field")


class DebeziumJsonFormat:
    """As Flink's `debezium-json`; what Debezium says beside before, after and op is ignored."""

    options: tuple[OptionInfo, ...] = (
        OptionInfo(_SCHEMA_INCLUDE, "boolean", "events are under payload, beside a schema that is not read", "false"),
        *_JSON,
    )
    appendable = True
    changelog = True

    def reader(self, schema: Schema, options: Mapping[str, str]) -> FileReader:
        """One or two changes a line."""
        from streamsql_connectors.formats.debezium_decode import DebeziumDecoder
        from streamsql_connectors.formats.readable import refuse_unreadable

        refuse_unreadable(schema, "debezium-json")
        ignore_errors = JsonOptions.of(options).ignore_errors
        decoder = DebeziumDecoder(schema, ignore_errors, option(options, _SCHEMA_INCLUDE, boolean, False))
        return TextReader(lambda _: decoder.decode, _HINT)

    def writer(self, schema: Schema, options: Mapping[str, str], target: BinaryIO, *, start: bool) -> FileWriter:
        """One change a line, an update as two: op d with before, op c with after, as Flink writes them."""
        from streamsql_connectors.formats.debezium_encode import DebeziumWriter

        return DebeziumWriter(schema, target, JsonOptions.of(options).style)

    def infer(self, file: RecordFile, options: Mapping[str, str]) -> Schema:
        """The columns of before and after, whichever comes first."""
        from streamsql_connectors.formats.debezium_decode import row_columns
        from streamsql_connectors.formats.json_infer import infer_json

        included = option(options, _SCHEMA_INCLUDE, boolean, False)
        return row_columns(infer_json(file), file.name, included)
