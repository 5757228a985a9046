"""What decoding a block of text gives: rows, rejects and at most one error, with line numbers inside the block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.batch import Weights
from streamsql.errors import DataError
from streamsql.expr.types import TIMESTAMPS, Column, Schema, arrow_type
from streamsql.ports import Reject
from streamsql.record import record
from streamsql_connectors.text_lines import Lines, shown

_MARKS_OF_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@record
class Problem:
    """Why a line is bad; `line` counts from 0 in its block. `drops_row`: no row was made of it. `hint`: what to do, if
    not what the format says of all its problems."""

    line: int
    reason: str
    drops_row: bool = True
    text: str = ""
    hint: str = ""


def not_utf8(lines: Lines, numbers: Iterable[int], hint: str) -> list[Problem]:
    """The problems of lines that are in another encoding; `hint`: what else to do about malformed records."""
    start = lines.raw(0)[:2] if len(lines) else b""
    encoding = "UTF-16" if start in _MARKS_OF_UTF_16 else "ISO-8859-1"
    cure = f"rewrite the file as UTF-8, such as with iconv -f {encoding} -t UTF-8; or {hint}"
    return [Problem(each, "not valid UTF-8", hint=cure) for each in numbers]


def misfit_hint(column: Column, hint: str) -> str:
    """What to do about values that do not fit the type of their column; `hint`: about malformed records."""
    name = column.name
    number = f" (as BIGINT, if it counts milliseconds, with a computed column t AS TO_TIMESTAMP_LTZ({name}, 3))"
    return f"declare {name} as STRING to keep such text{number if column.type.kind in TIMESTAMPS else ''}, or {hint}"


@record(eq=False)
class BlockRows:
    """Rows of a block, the number of its lines, and its problems; `fatal` ends the reading after these rows.

    `weights`: -1 for rows that are taken back; None: all are added.
    """

    rows: pa.RecordBatch
    lines: int
    problems: tuple[Problem, ...] = ()
    fatal: Problem | None = None
    weights: Weights | None = None


def columns_batch(schema: Schema, columns: Sequence[str], arrays: Mapping[str, pa.Array], rows: int) -> pa.RecordBatch:
    """A batch of the wanted columns; the row count holds also where no column is wanted."""
    if not columns:
        return pa.RecordBatch.from_struct_array(pa.Array.from_buffers(pa.struct([]), rows, [None]))
    types = {each.name: arrow_type(each.type) for each in schema}
    fields = [pa.field(name, types[name]) for name in columns]
    return pa.RecordBatch.from_arrays([arrays[name] for name in columns], schema=pa.schema(fields))


def finish_block(
    batch: pa.RecordBatch,
    rows: npt.NDArray[np.int64],
    problems: Sequence[Problem],
    lines: Lines,
    *,
    ignore_errors: bool,
) -> BlockRows:
    """The rows before the first problem, which is fatal; or all rows, where problems are to be ignored.

    `rows`: the line of each row of the batch.
    """
    ordered = tuple(sorted(problems, key=lambda each: each.line))
    if not ordered or ignore_errors:
        shown_problems = tuple(_with_text(each, lines) for each in ordered)
        return BlockRows(batch, len(lines), shown_problems)
    first = ordered[0]
    before = int(np.searchsorted(rows, first.line))
    return BlockRows(batch.slice(0, before), len(lines), (), _with_text(first, lines))


def _with_text(problem: Problem, lines: Lines) -> Problem:
    return problem if problem.text else replace(problem, text=lines.text(problem.line))


def reject_of(problem: Problem, name: str, first_line: int) -> Reject:
    """A problem as a counted reject; `first_line`: the number of the block's first line in the file."""
    reason = problem.reason if problem.drops_row else f"{problem.reason} (read as NULL)"
    return Reject(reason, f"{name}:{first_line + problem.line}", problem.text)


def error_of(problem: Problem, name: str, first_line: int, hint: str) -> DataError:
    """A problem as the error that ends the reading."""
    return DataError(
        f"{name}:{first_line + problem.line}: {problem.reason}\n  {shown(problem.text)}", hint=problem.hint or hint
    )
