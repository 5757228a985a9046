"""A block of JSON lines to rows: as a whole, and line by line only to say which ones are bad."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.types import STRINGS, Column, Schema
from streamsql.record import record
from streamsql_connectors import duck
from streamsql_connectors.formats.block_rows import (
    BlockRows,
    Problem,
    columns_batch,
    finish_block,
    misfit_hint,
    not_utf8,
)
from streamsql_connectors.formats.json_options import HINT
from streamsql_connectors.formats.json_plain import PlainRows, plain_rows
from streamsql_connectors.formats.json_regular import regular_rows
from streamsql_connectors.formats.json_strict import syntax_error
from streamsql_connectors.formats.text_values import Mask
from streamsql_connectors.text_blocks import TextBlock
from streamsql_connectors.text_lines import Lines, invalid_utf8, is_utf8

_AT_ONCE = (regular_rows, plain_rows)
_OPENING_BRACE = ord("{")
_BLANK = b" \t\r\n"
_HALF_A_PAIR = "not valid JSON: an escape from \\ud800 to \\udfff without its other half"
_ONE_ARRAY = f"a file that is one array has to be rewritten as one object a line, by jq -c '.[]' for example; or {HINT}"
_OTHER_LINE_ENDS = f"lines that end with a carriage return alone have to be rewritten (tr '\\r' '\\n'); or {HINT}"
_SEVERAL_LINES = f"an object must be on one line (jq -c . rewrites a file so); or {HINT}"

Rows = npt.NDArray[np.int64]


@record
class JsonDecoder:
    """How to decode blocks of JSON lines of one schema."""

    schema: Schema
    ignore_errors: bool = False
    fail_on_missing: bool = False

    def decode(self, block: TextBlock, columns: Sequence[str]) -> BlockRows:
        """The block's rows with the wanted columns; what is malformed is judged on all columns."""
        judged = [each for each in self.schema if each.name in columns or self._judges(each)]
        if is_utf8(block.data):
            for read in _AT_ONCE:
                found = read(block.data, judged)
                if found is not None and not (self.fail_on_missing and _some_null(found)):
                    batch = columns_batch(self.schema, columns, found.columns, found.rows)
                    return BlockRows(batch, found.lines)
        return self._decode_texts(Lines(block.data), judged, columns)

    def _judges(self, column: Column) -> bool:
        """Whether a value of the column can be malformed."""
        return column.type.kind not in STRINGS or self.fail_on_missing

    def _decode_texts(self, lines: Lines, judged: Sequence[Column], columns: Sequence[str]) -> BlockRows:
        from streamsql_connectors.formats.json_values import members, parse_json_text

        rows, problems = _objects(lines)
        objects = _texts(lines, rows)
        found = members(objects, [each.name for each in judged])
        texts = found.texts
        if found.malformed is not None:
            names = [each.name for each in judged]
            malformed = rows[found.malformed].tolist()
            problems += [_malformed(lines, each, names) for each in malformed]
            rows, (objects, *texts) = rows[~found.malformed], _kept([objects, *texts], ~found.malformed)
        if self.fail_on_missing:
            rows, texts, missing = self._without_missing(objects, rows, texts)
            problems += missing
        arrays: dict[str, pa.Array] = {}
        for column, text in zip(judged, texts, strict=True):
            parsed = parse_json_text(text, column.type)
            arrays[column.name] = parsed.values
            if parsed.bad is not None:
                problems += _misfits(column, text, rows, parsed.bad)
        batch = columns_batch(self.schema, columns, arrays, len(rows))
        return finish_block(batch, rows, problems, lines, ignore_errors=self.ignore_errors)

    def _without_missing(
        self, objects: pa.Array, rows: Rows, texts: list[pa.Array]
    ) -> tuple[Rows, list[pa.Array], list[Problem]]:
        names = self.schema.names
        keys = duck.project({"t": objects}, *(f"list_contains(json_keys(t), {duck.literal(name)})" for name in names))
        problems, absent = [], np.zeros(len(rows), np.bool_)
        for name, present in zip(names, keys, strict=True):
            mask = ~present.to_numpy(zero_copy_only=False).astype(np.bool_)
            problems += [Problem(int(rows[each]), f"field {name} is missing") for each in _where(mask & ~absent)]
            absent |= mask
        return rows[~absent], _kept(texts, ~absent), problems


def _where(mask: Mask) -> list[int]:
    found: list[int] = np.flatnonzero(mask).tolist()
    return found


def _kept(arrays: list[pa.Array], mask: Mask) -> list[pa.Array]:
    chosen = pa.array(mask)
    return [each.filter(chosen) for each in arrays]


def _texts(lines: Lines, rows: Rows) -> pa.Array:
    texts = lines.array(pa.string())
    return texts if len(rows) == len(lines) else texts.take(pa.array(rows))


def _some_null(plain: PlainRows) -> bool:
    return any(each.null_count for each in plain.columns.values())


def _objects(lines: Lines) -> tuple[Rows, list[Problem]]:
    """The lines that begin like an object, blank ones left out, and those that begin like something else."""
    unreadable = invalid_utf8(lines)
    problems = not_utf8(lines, unreadable.tolist(), HINT)
    bad = np.zeros(len(lines), np.bool_)
    bad[unreadable] = True
    if len(lines):
        first = np.frombuffer(lines.data, np.uint8)[lines.starts]
        unusual = np.flatnonzero((first != _OPENING_BRACE) & ~bad)
        if len(unusual):
            problems += _not_objects(lines, unusual, bad)
    return np.flatnonzero(~bad), problems


def _not_objects(lines: Lines, unusual: Rows, bad: Mask) -> list[Problem]:
    texts = pc.utf8_ltrim(lines.array(pa.binary()).take(pa.array(unusual)).cast(pa.string()), _BLANK.decode())
    blank = pc.equal(texts, "").to_numpy(zero_copy_only=False)
    other = ~pc.starts_with(texts, "{").to_numpy(zero_copy_only=False)
    bad[unusual[other]] = True
    return [_not_object(lines, each) for each in unusual[other & ~blank].tolist()]


def _malformed(lines: Lines, index: int, names: Sequence[str]) -> Problem:
    text = lines.raw(index)
    hint = _SEVERAL_LINES if text.strip() == b"{" else _OTHER_LINE_ENDS if b"\r" in text else ""
    return Problem(index, syntax_error(text, names) or _HALF_A_PAIR, hint=hint)


def _not_object(lines: Lines, index: int) -> Problem:
    hint = _ONE_ARRAY if lines.raw(index).lstrip().startswith(b"[") else ""
    return Problem(index, syntax_error(lines.raw(index)) or "not a JSON object", hint=hint)


def _misfits(column: Column, text: pa.Array, rows: Rows, bad: Mask) -> list[Problem]:
    from streamsql_connectors.formats.json_misfits import misfits

    hint = misfit_hint(column, HINT)
    found = misfits(column.name, text, column.type, bad)
    return [Problem(int(rows[each.row]), str(each), drops_row=False, hint=hint) for each in found]
