"""A block of CSV records to rows: as a whole, and field by field only to say which ones are bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from streamsql.expr.types import BYTES_KINDS, STRINGS, Kind, Schema, arrow_type
from streamsql_connectors.formats.block_rows import BlockRows, Problem, columns_batch, finish_block
from streamsql_connectors.formats.csv_dialect import Dialect
from streamsql_connectors.formats.json_values import expected, parse_json_text
from streamsql_connectors.text_blocks import TextBlock
from streamsql_connectors.text_lines import Lines, invalid_utf8, shown, split_lines

Rows = npt.NDArray[np.int64]

_AS_TEXT = frozenset((*STRINGS, *BYTES_KINDS, Kind.ROW, Kind.ARRAY, Kind.MAP, Kind.MULTISET, Kind.NULL))
"""Kinds whose fields are read as text first."""


@dataclass(frozen=True, slots=True)
class CsvDecoder:
    """How to decode blocks of CSV: `fields` are the columns of the file in order, some of which the schema declares.

    `header`: the first line of the file is not a record.
    """

    schema: Schema
    dialect: Dialect
    delimiter: str
    fields: tuple[str, ...]
    header: bool

    def decode(self, block: TextBlock, columns: Sequence[str]) -> BlockRows:
        """The block's rows with the wanted columns; what is malformed is judged on all columns."""
        lines = split_lines(block.data)
        skipped = 1 if self.header and _is_first(block) else 0
        problems = [Problem(each, "not valid UTF-8") for each in invalid_utf8(lines).tolist()]
        records = _Records(self.dialect, lines, skipped)
        if problems:
            return self._without(problems, block, lines, columns)
        if block.last and self.dialect.ends_inside_quotes(records.data):
            problems.append(Problem(records.open_quote(), "a quote is not closed"))
            if not self.dialect.ignore_errors:
                return self._without(problems, block, lines, columns)
        judged = [
            each for each in self.schema if each.name in self.fields and (each.name in columns or each.type.kind not in STRINGS)
        ]
        misshapen: list[Any] = []
        table = self._read(records, judged, misshapen)
        rows = self._lines_of_rows(records, misshapen, table.num_rows, bool(problems))
        problems += self._shape_problems(records, misshapen)
        arrays: dict[str, pa.Array] = {}
        for column, values in zip(judged, table.columns, strict=True):
            arrays[column.name], found = self._typed(column, _whole(values), rows)
            problems += found
        for each in self.schema:
            if each.name not in self.fields:
                arrays[each.name] = pa.nulls(table.num_rows, arrow_type(each.type))
        batch = columns_batch(self.schema, columns, arrays, table.num_rows)
        return finish_block(batch, rows, problems, lines, ignore_errors=self.dialect.ignore_errors)
