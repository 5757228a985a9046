"""JSON lines: one object a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

from streamsql.errors import UsageError
from streamsql.expr.types import Schema
from streamsql.ports import FileReader, FileWriter, OptionInfo, RecordFile
from streamsql_connectors.formats.text_reader import TextReader
from streamsql_connectors.options import boolean, choice, option

_SQL = "SQL"
_HINT = "set 'json.ignore-parse-errors' = 'true' to go on without such records; they are counted and kept as rejects"


class JsonFormat:
    """Flink's `json`: unknown fields are ignored, absent ones are NULL, '12' may be an INT and 12 a STRING."""

    options: tuple[OptionInfo, ...] = (
        OptionInfo("ignore-parse-errors", "boolean", "a malformed line is a reject, a malformed field NULL", "false"),
        OptionInfo("fail-on-missing-field", "boolean", "a field that is not there is an error", "false"),
        OptionInfo("timestamp-format.standard", "SQL | ISO-8601", "how times are written; both are read", "SQL"),
    )
    appendable = True

    def reader(self, schema: Schema, options: Mapping[str, str]) -> FileReader:
        """Decodes with DuckDB and Arrow, a block at a time."""
        from streamsql_connectors.formats.json_decode import JsonDecoder
        from streamsql_connectors.formats.readable import refuse_unreadable

        refuse_unreadable(schema, "json")
        _timestamp_standard(options)
        ignore = option(options, "ignore-parse-errors", boolean, False)
        missing = option(options, "fail-on-missing-field", boolean, False)
        if ignore and missing:
            raise UsageError("'json.ignore-parse-errors' and 'json.fail-on-missing-field' cannot both be true")
        decode = JsonDecoder(schema, ignore, missing).decode
        return TextReader(lambda _: decode, _HINT)

    def writer(self, schema: Schema, options: Mapping[str, str], target: BinaryIO, *, start: bool) -> FileWriter:
        """One object a line, all columns written, NULL too."""
        from streamsql_connectors.formats.json_encode import JsonWriter

        return JsonWriter(schema, target, iso=_timestamp_standard(options) != _SQL)

    def infer(self, file: RecordFile, options: Mapping[str, str]) -> Schema:
        """Columns of the first 8 MB in the order in which they appear."""
        from streamsql_connectors.formats.json_infer import infer_json

        return infer_json(file)


def _timestamp_standard(options: Mapping[str, str]) -> str:
    return option(options, "timestamp-format.standard", choice(_SQL, "ISO-8601"), _SQL)
