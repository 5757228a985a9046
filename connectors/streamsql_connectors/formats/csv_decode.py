"""A block of CSV records to rows: as a whole, and field by field only to say which ones are bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from streamsql.expr.types import BYTES_KINDS, STRINGS, Column, Kind, Schema, arrow_type
from streamsql.record import record
from streamsql_connectors.formats.block_rows import BlockRows, Problem, columns_batch, finish_block, misfit_hint
from streamsql_connectors.formats.csv_dialect import HINT, Dialect
from streamsql_connectors.formats.csv_nested import NESTED, parse_nested
from streamsql_connectors.formats.csv_records import Records, records_of
from streamsql_connectors.formats.csv_scan import Scanner
from streamsql_connectors.formats.json_values import expected
from streamsql_connectors.formats.text_values import parse_text
from streamsql_connectors.text_blocks import TextBlock
from streamsql_connectors.text_lines import Lines, shown

Rows = npt.NDArray[np.int64]

_Misfit = tuple[Column, pa.Array, Rows]
"""A column as text, and the rows where that means nothing."""

_AS_TEXT = frozenset((*STRINGS, *BYTES_KINDS, *NESTED, Kind.NULL))
"""Kinds whose fields Arrow reads as text."""


@record
class CsvLayout:
    """What the lines of a file mean: `fields` are its columns in order, `header` whether the first line names them.

    `doubt`: why that cannot be told, which ends the reading of the file.
    """

    delimiter: str
    fields: tuple[str, ...]
    header: bool
    doubt: Problem | None = None


class CsvDecoder:
    """Decodes blocks of one file."""

    def __init__(self, schema: Schema, dialect: Dialect, layout: CsvLayout) -> None:
        self._schema = schema
        self._dialect = dialect
        self._layout = layout
        self._scanner = Scanner(dialect, layout.delimiter)
        self._position = {name: index for index, name in reversed(list(enumerate(layout.fields)))}
        self._by_text = False

    def decode(self, block: TextBlock, columns: Sequence[str]) -> BlockRows:
        """The block's rows with the wanted columns; what is malformed is judged on all columns."""
        lines = Lines(block.data)
        if self._layout.doubt is not None:
            return self._doubtful(block, lines, columns)
        records, problems = records_of(block, lines, self._scanner, header=self._layout.header)
        judged = [
            each
            for each in self._schema
            if each.name in self._position and (each.name in columns or each.type.kind not in STRINGS)
        ]
        misshapen: list[Any] = []
        table, typed = self._read(records, judged, misshapen)
        arrays, misfits = self._values(table, judged, typed)
        self._by_text |= not typed and not misfits
        batch = columns_batch(self._schema, columns, arrays, table.num_rows)
        if not (problems or misshapen or misfits):
            return BlockRows(batch, len(lines))
        numbers, rows = _numbered(records, misshapen, table.num_rows, single=self._single)
        problems += self._shape_problems(misshapen, numbers)
        problems += [problem for misfit in misfits for problem in _problems(*misfit, rows)]
        return finish_block(batch, rows, problems, lines, ignore_errors=self._dialect.ignore_errors)

    def _doubtful(self, block: TextBlock, lines: Lines, columns: Sequence[str]) -> BlockRows:
        """No rows, and the first line as the problem."""
        assert self._layout.doubt is not None
        arrays = {each.name: pa.array([], arrow_type(each.type)) for each in self._schema}
        first = self._scanner.first_record(np.frombuffer(block.data, np.uint8))[0]
        line = int(np.searchsorted(lines.ends, first, side="right"))
        problem = replace(self._layout.doubt, line=line, text=lines.text(line))
        return BlockRows(columns_batch(self._schema, columns, arrays, 0), len(lines), (), problem)

    def _values(
        self, table: pa.Table, judged: Sequence[Column], typed: bool
    ) -> tuple[dict[str, pa.Array], list[_Misfit]]:
        """All columns in their types, NULL where the file has no such field; and the texts that mean nothing."""
        absent = (each for each in self._schema if each.name not in self._position)
        arrays = {each.name: pa.nulls(table.num_rows, arrow_type(each.type)) for each in absent}
        misfits: list[_Misfit] = []
        for position, column in enumerate(judged):
            values = _whole(table.column(position))
            if typed and column.type.kind not in _AS_TEXT:
                arrays[column.name] = values
                continue
            arrays[column.name], bad = self._parsed(values, column)
            if len(bad):
                misfits.append((column, values, bad))
        return arrays, misfits

    def _parsed(self, text: pa.Array, column: Column) -> tuple[pa.Array, Rows]:
        """Typed values and the rows whose text means nothing."""
        if column.type.kind not in (*STRINGS, *BYTES_KINDS):
            text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        if column.type.kind in NESTED:
            parsed = parse_nested(text, column.type, self._dialect.elements)
        else:
            parsed = parse_text(text, column.type)
        return parsed.values, np.empty(0, np.int64) if parsed.bad is None else np.flatnonzero(parsed.bad)

    @property
    def _single(self) -> bool:
        return len(self._layout.fields) == 1

    def _read(self, records: Records, judged: Sequence[Column], misshapen: list[Any]) -> tuple[pa.Table, bool]:
        """The judged fields, and whether they have their types; else all are text."""
        if not self._by_text:
            types = {
                str(self._position[each.name]): pa.string() if each.type.kind in _AS_TEXT else arrow_type(each.type)
                for each in judged
            }
            try:
                return self._parse(records, judged, types, misshapen), True
            except pa.ArrowInvalid:
                misshapen.clear()
        types = {str(self._position[each.name]): pa.string() for each in judged}
        return self._parse(records, judged, types, misshapen), False

    def _parse(
        self, records: Records, judged: Sequence[Column], types: dict[str, pa.DataType], misshapen: list[Any]
    ) -> pa.Table:
        def keep(row: Any) -> str:
            misshapen.append(row)
            return "skip"

        names = [str(each) for each in range(len(self._layout.fields))]
        wanted = [str(self._position[each.name]) for each in judged] or names[:1]
        if not judged:
            types = {names[0]: pa.string()}
        if not records.data.size:
            return pa.table({name: pa.array([], types[name]) for name in wanted})
        return pa_csv.read_csv(
            pa.BufferReader(records.data),
            pa_csv.ReadOptions(use_threads=False, column_names=names, block_size=records.data.size + 1),
            pa_csv.ParseOptions(
                delimiter=self._layout.delimiter,
                quote_char=self._dialect.quote or False,
                escape_char=self._dialect.escape or False,
                newlines_in_values=True,
                ignore_empty_lines=not self._single,
                invalid_row_handler=keep,
            ),
            pa_csv.ConvertOptions(
                include_columns=wanted,
                column_types=types,
                null_values=["" if self._dialect.null is None else self._dialect.null],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    def _shape_problems(self, misshapen: Sequence[Any], numbers: Rows) -> list[Problem]:
        wanted = len(self._layout.fields)
        return [
            Problem(
                int(numbers[each.number - 1]),
                f"{each.actual_columns} field{'' if each.actual_columns == 1 else 's'}, but expected {wanted}",
                text=shown(each.text),
            )
            for each in misshapen
        ]


def _numbered(records: Records, misshapen: Sequence[Any], rows: int, *, single: bool) -> tuple[Rows, Rows]:
    """The line of each record that Arrow counts, and of each row that it delivers.

    Where Arrow counts other records, as it may around damaged quotes, the last line stands for those not found.
    """
    numbers = records.lines(blank=single)
    counted = rows + len(misshapen)
    if len(numbers) != counted:
        numbers = np.append(
            numbers[:counted], np.full(max(0, counted - len(numbers)), numbers[-1] if len(numbers) else 0)
        )
    dropped = np.array([each.number - 1 for each in misshapen], np.int64)
    return numbers, np.delete(numbers, dropped)


def _problems(column: Column, text: pa.Array, bad: Rows, rows: Rows) -> list[Problem]:
    wanted = expected(column.type)
    hint = misfit_hint(column, HINT)
    return [
        Problem(
            int(rows[each]), f"column {column.name}: '{shown(text[each].as_py())}' is not {wanted}", False, hint=hint
        )
        for each in bad.tolist()
    ]


def _whole(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
