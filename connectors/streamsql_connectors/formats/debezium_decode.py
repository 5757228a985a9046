"""Blocks of Debezium events to changes: an update is the row before it, taken back, and the row after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.errors import DataError
from streamsql.expr.types import STRING, Column, Kind, Schema, SqlType, row
from streamsql_connectors.formats.block_rows import BlockRows, Problem, columns_batch
from streamsql_connectors.formats.json_decode import JsonDecoder
from streamsql_connectors.formats.text_values import Mask
from streamsql_connectors.text_blocks import TextBlock
from streamsql_connectors.text_lines import Lines

_OPS = ("c", "r", "u", "d")
"""Created, read in a snapshot, updated, deleted."""
_IMAGE = "let the database log whole rows, in PostgreSQL: ALTER TABLE … REPLICA IDENTITY FULL"


class DebeziumDecoder:
    """Decodes blocks of events about rows of one schema; `included`: they are under `payload`."""

    def __init__(self, schema: Schema, ignore_errors: bool, included: bool) -> None:
        self.schema = schema
        self.ignore_errors = ignore_errors
        self.included = included
        image = row(schema.names, tuple(each.type.with_nullable(True) for each in schema))
        event = Schema((Column("before", image), Column("after", image), Column("op", STRING)))
        if included:
            event = Schema((Column("payload", row(event.names, event.types)),))
        self._events = JsonDecoder(event, ignore_errors)

    def decode(self, block: TextBlock, columns: Sequence[str]) -> BlockRows:
        """The changes of the block's events; an event that says too little is a problem of its line."""
        found = self._events.decode(block, self._events.schema.names)
        before, after, op = found.rows.columns[0].flatten() if self.included else found.rows.columns
        kinds = pc.fill_null(pc.index_in(op, pa.array(_OPS)), -1).to_numpy(zero_copy_only=False)
        takes_back, adds = kinds >= 2, (kinds >= 0) & (kinds <= 2)
        has_before, has_after = (pc.is_valid(each).to_numpy(zero_copy_only=False) for each in (before, after))
        bad = (kinds < 0) | (takes_back & ~has_before) | (adds & ~has_after)
        if bad.any():
            problems = self._problems(block, found, bad, op, takes_back & ~has_before)
            found, usable = self._without(found, problems, bad)
            takes_back, adds = takes_back & usable, adds & usable
        chosen = np.stack([takes_back, adds], axis=1).ravel()
        places = np.stack([np.arange(len(op)), np.arange(len(op)) + len(op)], axis=1).ravel()[chosen]
        images = pa.concat_arrays([before, after]).take(pa.array(places))
        arrays = dict(zip(self.schema.names, images.flatten(), strict=True))
        weights = np.tile(np.array([-1, 1], np.int8), len(op))[chosen]
        return replace(found, rows=columns_batch(self.schema, columns, arrays, len(places)), weights=weights)

    def _problems(
        self, block: TextBlock, found: BlockRows, bad: Mask, op: pa.Array, lacks_before: Mask
    ) -> list[Problem]:
        """Why each bad event is none."""
        lines = Lines(block.data)
        dropped = {each.line for each in found.problems if each.drops_row}
        of_events = [each for each in range(len(lines)) if each not in dropped and lines.raw(each).strip()]
        problems = []
        for index in np.flatnonzero(bad).tolist():
            reason, hint = _reason(op[index].as_py(), bool(lacks_before[index]))
            line = of_events[index]
            problems.append(Problem(line, reason, text=lines.text(line), hint=hint))
        return problems

    def _without(self, found: BlockRows, problems: list[Problem], bad: Mask) -> tuple[BlockRows, Mask]:
        """What is left of the block, and which of its events are used."""
        if self.ignore_errors:
            ordered = sorted((*found.problems, *problems), key=lambda each: each.line)
            return replace(found, problems=tuple(ordered)), ~bad
        return replace(found, fatal=problems[0]), np.arange(len(bad)) < int(np.argmax(bad))


def _reason(op: str | None, lacks_before: bool) -> tuple[str, str]:
    """What an event lacks, and what to do about it."""
    if op is None:
        return "an event has no op", ""
    if op not in _OPS:
        return f"op is '{op}', expected one of {', '.join(_OPS)}", ""
    if lacks_before:
        return f"op {op} needs the row before it, but before is NULL", _IMAGE
    return f"op {op} needs the row after it, but after is NULL", ""


def row_columns(found: Schema, name: str, included: bool) -> Schema:
    """The columns of the rows that events are about, from the columns of the events."""
    fields = {each.name: each.type for each in found}
    if included and fields.get("payload", STRING).kind is Kind.ROW:
        fields = _fields(fields["payload"])
    image = next((fields[each] for each in ("after", "before") if fields.get(each, STRING).kind is Kind.ROW), None)
    if image is None:
        raise DataError(f"{name}: no rows can be found in the first events", hint="declare the columns of the table")
    return Schema(tuple(Column(key, type_) for key, type_ in _fields(image).items()))


def _fields(type_: SqlType) -> dict[str, SqlType]:
    return dict(zip(type_.names, type_.children, strict=True))
