"""Columns that are not in the files but in their paths: typed, and used to leave whole files unread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from streamsql.errors import DataError
from streamsql.expr.types import BIGINT, STRING, Column, Kind, Schema, SqlType, arrow_type
from streamsql.ports import Comparison
from streamsql.record import record
from streamsql_connectors.files import InputFile
from streamsql_connectors.partition_paths import FLINK_NULL, HIVE_NULL, partition_texts

_KERNELS = {
    "=": "equal",
    "<>": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}
_WHOLE_NUMBER = r"^[+-]?\d{1,18}$"


@record(eq=False)
class Partitions:
    """For each key one value a file."""

    values: dict[str, pa.Array]

    def wanted(self, file: int, predicate: Sequence[Comparison]) -> bool:
        """Whether a file can have rows for which all comparisons are TRUE."""
        return all(self._holds(file, each) for each in predicate if each.column in self.values)

    def _holds(self, file: int, comparison: Comparison) -> bool:
        import pyarrow.compute as pc

        compare: Callable[[Any, Any], Any] = getattr(pc, _KERNELS[comparison.operator])
        return compare(self.values[comparison.column][file], comparison.value).as_py() is True

    def columns(self, file: int, rows: int) -> dict[str, pa.Array]:
        """The columns of a file's rows."""
        return {name: pa.repeat(values[file], rows) for name, values in self.values.items()}


def find_partitions(
    files: Sequence[InputFile], schema: Schema, declared: tuple[str, ...], null_name: str
) -> Partitions:
    """The columns of the schema that the paths tell; DataError where one path tells less than others, or a text is no
    value of the column's type.

    Where no path tells any, PARTITIONED BY (`declared`) says nothing: the columns are in the files.
    """
    texts = _texts(files, null_name)
    told = {key for each in texts for key in each}
    keys = [each for each in schema if each.name in told]
    if keys:
        wanted = dict.fromkeys((*declared, *(each.name for each in keys)))
        _check_paths(files, texts, tuple(wanted))
    return Partitions({each.name: _typed(files, [found[each.name] for found in texts], each) for each in keys})


def with_partitions(schema: Schema, files: Sequence[InputFile], null_name: str) -> Schema:
    """A schema with the columns that the paths tell behind its own, which they replace if the names are the same."""
    texts = _texts(files, null_name)
    keys = tuple(dict.fromkeys(key for each in texts for key in each))
    _check_paths(files, texts, keys)
    found = (Column(key, _inferred([each[key] for each in texts])) for key in keys)
    own = (each for each in schema if each.name not in keys)
    return Schema((*own, *found))


def _texts(files: Sequence[InputFile], null_name: str) -> list[dict[str, str | None]]:
    return [partition_texts(each.path, (null_name, HIVE_NULL, FLINK_NULL)) for each in files]


def _check_paths(files: Sequence[InputFile], texts: Sequence[dict[str, str | None]], keys: tuple[str, ...]) -> None:
    for file, found in zip(files, texts, strict=True):
        for key in keys:
            if key not in found:
                raise DataError(
                    f"{file.path}: no folder {key}=… in the path, as other files of the table have",
                    hint=f"every file of a table that is partitioned by {key} lies in such a folder",
                )


def _typed(files: Sequence[InputFile], texts: list[str | None], column: Column) -> pa.Array:
    from streamsql_connectors.formats.json_values import expected
    from streamsql_connectors.formats.text_values import parse_text

    if column.type.children:
        raise DataError(f"column {column.name}: {column.type} cannot stand in a path")
    parsed = parse_text(pa.array(texts, pa.string()), column.type)
    if parsed.bad is not None:
        first = int(parsed.bad.argmax())
        raise DataError(
            f"{files[first].path}: {column.name}={texts[first]} in the path is not {expected(column.type)}",
            hint=f"declare {column.name} as STRING to keep such text",
        )
    return parsed.values.cast(arrow_type(column.type))


def _inferred(texts: list[str | None]) -> SqlType:
    """BIGINT, DATE, TIMESTAMP or STRING."""
    import pyarrow.compute as pc

    from streamsql_connectors.formats.inferred_types import inferred_text

    values = pa.array(texts, pa.string())
    known = values.drop_null()
    if len(known) and pc.all(pc.match_substring_regex(known, _WHOLE_NUMBER)).as_py():
        return BIGINT
    found = inferred_text(values)
    return STRING if found.kind is Kind.NULL else found
