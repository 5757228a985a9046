"""The `filesystem` connector: tables in files. What reads and writes changes and partitions is imported for them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from streamsql.errors import UsageError
from streamsql.expr.types import Schema
from streamsql.plugins import known_names, load_format
from streamsql.ports import FileReader, Format, LookupTable, OptionInfo, Sink, Source, SourceMode, TableOptions
from streamsql.record import record
from streamsql_connectors.changelog_column import with_op
from streamsql_connectors.file_sink import PART_BYTES, ROLLOVER, FileLayout, FileSink
from streamsql_connectors.file_source import FileSource
from streamsql_connectors.files import InputFile, find_files
from streamsql_connectors.options import byte_size, choice, names_of, option, refuse_unknown, required
from streamsql_connectors.partition_paths import HIVE_NULL
from streamsql_connectors.partitions import find_partitions, with_partitions
from streamsql_connectors.streams import CODECS, STANDARD, codec_of
from streamsql_connectors.times import duration

if TYPE_CHECKING:
    from streamsql_connectors.partition_sink import PartitionSink

_OPTIONS = (
    OptionInfo("path", "text", "a file, a glob, a folder, an fsspec URL, or - for stdin and stdout", required=True),
    OptionInfo("format", "a format", "how records are written; without it, the ending of the path says"),
    OptionInfo("compression", "gzip | zstd | none", "without it, .gz and .zst say so"),
    OptionInfo("changelog", "op | upsert", "rows are changes: by a first column op, or by PRIMARY KEY"),
    OptionInfo("partition.default-name", "text", "the folder name of a key that is NULL", HIVE_NULL),
    OptionInfo(
        "sink.rolling-policy.file-size", "size", "of a part file, where the path is a folder (ends with /)", "128MB"
    ),
    OptionInfo("sink.rolling-policy.rollover-interval", "duration", "of a part file in a run without end", "30 min"),
)
_OWN = ("connector", *names_of(_OPTIONS))

ENDINGS = {
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".avro": "avro",
    ".txt": "raw",
    ".log": "raw",
}


_TOLD_BY_ENDING = {
    ("csv", ".tsv"): {"delimiter": "\t"},
    ("arrow", ".arrows"): {"layout": "stream"},
}
"""Options of a format that the ending of a name stands for."""


@record
class _FileTable:
    """What the options of a table say; `options` are the format's own, without prefix."""

    path: str
    compression: str | None
    format_name: str
    format: Format
    options: Mapping[str, str]


class FilesystemConnector:
    """`path` is a file, a glob, a folder, an fsspec URL, or `-` for stdin and stdout; `format` goes by its ending
    where it is not given; .gz and .zst are compressed."""

    options: tuple[OptionInfo, ...] = _OPTIONS
    lookup_cache = "FULL"

    def source(self, table: TableOptions) -> Source:
        """Reads all files of the path, in path order."""
        if table.schema is None:
            raise UsageError(f"table {table.name} has no columns")
        path, files = _input_files(table)
        parsed = _parse(table, path, _example(table, path, files))
        partitions = find_partitions(files, table.schema, table.partition_keys, _null_name(table))
        in_files = Schema(tuple(each for each in table.schema if each.name not in partitions.values))
        return FileSource(table.schema, files, _reader(table, in_files, parsed), partitions)

    def sink(self, table: TableOptions) -> Sink:
        """Writes one file, part files into a folder (a path that ends with /, or of a partitioned table), or stdout."""
        path = _path(table)
        parsed = _parse(table, path, path)
        layout = FileLayout(
            path,
            codec_of(path, parsed.compression),
            parsed.format_name,
            parsed.format,
            parsed.options,
            option(table.options, "sink.rolling-policy.file-size", byte_size, PART_BYTES),
            option(table.options, "sink.rolling-policy.rollover-interval", duration, ROLLOVER),
            table.overwrite,
            _changelog(table) == "op",
        )
        if _changelog(table) != "upsert":
            return _sink(table, layout)
        beside = [each for each in table.partition_keys if each not in table.primary_key]
        if beside:
            hint = f"make {beside[0]} a part of the PRIMARY KEY"
            raise UsageError(f"table {table.name}: who deletes a key does not know its {beside[0]}", hint=hint)
        from streamsql_connectors.upsert_sink import UpsertSink

        return UpsertSink(_sink(table, layout), table.primary_key)

    def lookup(self, table: TableOptions) -> LookupTable:
        """Each lookup reads the files that are there then."""
        from streamsql_connectors.scan_lookup import ScanLookup

        return ScanLookup(lambda: self.source(table))

    def changes(self, table: TableOptions) -> SourceMode:
        """What `changelog` says, or the format alone."""
        declared = _changelog(table)
        format_ = table.options.get("format")
        changes = format_ is not None and getattr(load_format(format_), "changelog", False)
        if declared is not None and changes:
            raise UsageError(f"format {format_} has its own changes", hint="leave the option 'changelog' out")
        return "upsert" if declared == "upsert" else "changelog" if declared or changes else "append"

    def infer(self, table: TableOptions) -> Schema:
        """The columns of the first file that has any content."""
        path, files = _input_files(table)
        parsed = _parse(table, path, _example(table, path, files))
        first = next((each for each in files if each.size), files[0])
        found = parsed.format.infer(first.record_file(peek=True), parsed.options)
        if _changelog(table) == "op" and found.names[:1] in (("op",), ("_op",)):
            found = Schema(found.columns[1:])
        return with_partitions(found, files, _null_name(table))


def _sink(table: TableOptions, layout: FileLayout) -> FileSink | PartitionSink:
    """Files in one place, or in a folder for each partition."""
    if not table.partition_keys:
        return FileSink(layout, table.clock)
    if layout.path == STANDARD:
        raise UsageError(f"table {table.name} is partitioned: it needs a folder to be written to")
    from streamsql_connectors.partition_sink import PartitionKeys, PartitionSink

    folder = layout.path.rstrip("/")
    return PartitionSink(
        PartitionKeys(table.partition_keys, _null_name(table)),
        lambda below: FileSink(replace(layout, path=f"{folder}/{below}/"), table.clock),
    )


def _path(table: TableOptions) -> str:
    return required(table.options, "path", f"table {table.name} (filesystem)")


def _changelog(table: TableOptions) -> str | None:
    return option(table.options, "changelog", choice("op", "upsert"), None)


def _reader(table: TableOptions, in_files: Schema, parsed: _FileTable) -> FileReader:
    """What decodes the files, and finds the changes in them."""
    match _changelog(table):
        case "op":
            from streamsql_connectors.changelog_reader import OpReader

            shown = with_op(in_files)
            return OpReader(parsed.format.reader(shown, parsed.options), shown.names[0])
        case "upsert":
            values = [each for each in in_files.names if each not in table.primary_key]
            if not values:
                raise UsageError(f"table {table.name}: a column beside the key has to say whether a key is deleted")
            from streamsql_connectors.changelog_reader import UpsertReader

            return UpsertReader(parsed.format.reader(in_files, parsed.options), values)
        case _:
            return parsed.format.reader(in_files, parsed.options)


def _null_name(table: TableOptions) -> str:
    return table.options.get("partition.default-name", HIVE_NULL)


def _compression(table: TableOptions) -> str | None:
    return option(table.options, "compression", choice("gzip", "zstd", "none"), None)


def _input_files(table: TableOptions) -> tuple[str, tuple[InputFile, ...]]:
    path = _path(table)
    return path, find_files(path, _compression(table))


def formats_by_ending(files: tuple[InputFile, ...]) -> dict[str, str | None]:
    """The endings of files that have one, with the formats that they stand for."""
    endings = dict.fromkeys(_plain_ending(each.path) for each in files)
    return {each: ENDINGS.get(each) for each in sorted(endings) if each}


def _example(table: TableOptions, path: str, files: tuple[InputFile, ...]) -> str:
    """A file whose ending says the format of all; UsageError where the endings say several."""
    formats = formats_by_ending(files)
    if "format" not in table.options and len(set(formats.values())) > 1:
        ending, name = next((each, name) for each, name in formats.items() if name)
        some = os.path.join(path, f"*{ending}") if os.path.isdir(path) else f"*{ending}"
        hint = f"name those that are meant, such as {some}, or say the format of all ('format' = '{name}')"
        raise UsageError(f"the files of {path} are of several formats: {', '.join(formats)}", hint=hint)
    return files[0].path


def _parse(table: TableOptions, path: str, example: str) -> _FileTable:
    name = table.options.get("format") or _format_by_ending(path, example)
    format_ = load_format(name)
    known = names_of(format_.options)
    own, rest = {}, {}
    for key, value in table.options.items():
        bare = key.removeprefix(f"{name}.")
        if key not in _OWN and bare in known:
            own[bare] = value
        else:
            rest[key] = value
    prefixed = (f"{name}.{each}" for each in known)
    refuse_unknown(rest, (*_OWN, *prefixed), f"table {table.name} (filesystem, {name})")
    for key, value in _TOLD_BY_ENDING.get((name, _plain_ending(example)), {}).items():
        own.setdefault(key, value)
    return _FileTable(path, _compression(table), name, format_, own)


def _format_by_ending(path: str, example: str) -> str:
    found = ENDINGS.get(_plain_ending(example)) or ENDINGS.get(_plain_ending(path))
    if found is None:
        formats = ", ".join(known_names("format"))
        raise UsageError(
            f"the format of {path} is not known by its ending",
            hint=f"say which it is ('format' = '…': {formats}), or end the name with one of {', '.join(ENDINGS)}",
        )
    return found


def _plain_ending(path: str) -> str:
    """The ending before a compression's.

    >>> _plain_ending("a/b.JSONL.gz"), _plain_ending("c.csv")
    ('.jsonl', '.csv')
    """
    stem, ending = os.path.splitext(path.lower())
    return os.path.splitext(stem)[1] if ending in CODECS else ending
