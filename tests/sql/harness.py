"""Reads `.test` files and runs them: whole, one row a step, chopped, restored at every input, and against DuckDB.

A file holds sections, each begun by a line `--- name`:

    --- sql              DDL, and as the last statement the query
    --- rows t           rows of table t in arrival order: values between `|`, NULL for none; `-` before a row takes it
                         back; a line {…} is a JSON object (for nested types)
    --- result           the final table: append-only results in order, others in any
    --- changelog        what one row a step publishes: `+I | a | 1`
    --- late t           rows of `t$late`: the values, then operator, watermark and windows missed
    --- rejects t        rows of `t$rejects`: why, which row, what it said
    --- error            the first line of the error that is raised; then, if wanted, `at line:column` and `hint: …`
    --- no batch         why DuckDB has no form for it

Text before the first section says what the test shows.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.engine import Engine
from streamsql.errors import StreamSqlError, position
from streamsql.expr.types import Kind, Schema
from streamsql.plan.logical import Plan
from streamsql.plan.traits import traits
from streamsql.ports import RowKind
from streamsql.runtime.checkpoint import from_files, restore, snapshot, to_files
from streamsql.runtime.job import Job
from streamsql.runtime.output import CollectOutput, SinkOutput
from streamsql.runtime.settings import JobSettings
from streamsql.session import Session
from streamsql.sql import statements as s
from streamsql.time import ManualClock

MARKS = ("_operator", "_watermark", "_windows_missed")


@dataclass(frozen=True, slots=True)
class SqlTest:
    """One `.test` file."""

    path: Path
    sections: dict[str, str]
    rows: dict[str, list[str]] = field(default_factory=dict)
    late: dict[str, list[str]] = field(default_factory=dict)
    rejects: dict[str, list[str]] = field(default_factory=dict)

    def lines(self, section: str) -> list[str]:
        return _lines(self.sections.get(section, ""))


def read_test(path: Path) -> SqlTest:
    """Parse a `.test` file."""
    sections: dict[str, str] = {}
    test = SqlTest(path, sections)
    name = "description"
    for line in path.read_text().splitlines():
        if line.startswith("--- "):
            name = line[4:].strip()
            sections[name] = ""
        else:
            sections[name] = sections.get(name, "") + line + "\n"
    for kind, found in (("rows", test.rows), ("late", test.late), ("rejects", test.rejects)):
        for section in [each for each in sections if each.startswith(f"{kind} ")]:
            found[section.split()[1]] = _lines(sections[section])
    return test


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


@dataclass(frozen=True, slots=True)
class Run:
    """A prepared test: its session, and the plan of its query."""

    session: Session
    plan: Plan

    def engine(self, batch_rows: int) -> Engine:
        # Row by row by numpy, larger steps by compiled kernels: both must give what the file says.
        self.session.settings.set("streamsql.compiled", "off" if batch_rows == 1 else "on")
        return self.session.engine(job_settings=JobSettings(batch_rows=batch_rows, read_ahead=0))


def prepare(test: SqlTest) -> Run:
    """Carry out the DDL, fill the tables, bind the query."""
    session = Session(clock=ManualClock(0))
    plan = None
    for statement in session.statements(test.sections["sql"], test.path.name):
        if isinstance(statement, s.Query):
            plan = statement.plan
        elif isinstance(statement, s.Insert):
            _insert(session, statement)
        else:
            session.apply(statement)
            if isinstance(statement, s.CreateTable) and statement.table.connector is None:
                _fill(session, statement.table.name, test.rows.get(statement.table.name, []))
    assert plan is not None, f"{test.path.name} has no query"
    return Run(session, plan)


def _insert(session: Session, statement: s.Insert) -> None:
    engine = session.engine()
    plans = [engine.optimized(each) for each in statement.plans]
    sinks = [session.tables.open_sink(each.table, overwrite=each.overwrite) for each in statement.plans]
    changelogs = [not traits(each).append_only for each in plans]
    outputs = [SinkOutput(sink, changelog=each) for sink, each in zip(sinks, changelogs, strict=True)]
    engine.run(engine.job(plans, outputs))


def _fill(session: Session, name: str, lines: list[str]) -> None:
    table = session.tables.memory(name)
    if not lines:
        return
    taken = [line.startswith("- ") for line in lines]
    rows = [_row(line.removeprefix("- "), table.schema) for line in lines]
    arrow = table.schema.to_arrow()
    columns = [_column([row[index] for row in rows], each.type) for index, each in enumerate(arrow)]
    weights = np.where(taken, -1, 1).astype(np.int8) if any(taken) else None
    rows = pa.RecordBatch.from_arrays(columns, schema=arrow)
    if weights is None or not table.keyed:
        table.append(rows, weights)
        return
    for index in range(rows.num_rows):  # what is written at once under one key is an update
        table.append(rows.slice(index, 1), weights[index : index + 1])


def _row(line: str, schema: Schema) -> list[Any]:
    if line.startswith("{"):
        record = json.loads(line)
        return [_from_json(record.get(each.name), each.type.kind) for each in schema.columns]
    values = [value.strip() for value in line.split("|")]
    assert len(values) == len(schema), f"{line!r} has {len(values)} values for {schema.names}"
    return [None if value == "NULL" else value.strip("'") for value in values]


def _from_json(value: Any, kind: Kind) -> Any:
    return list(value.items()) if kind is Kind.MAP and value is not None else value


def _column(values: list[Any], type_: pa.DataType) -> pa.Array:
    if all(isinstance(each, str | None) for each in values):
        return pc.cast(pa.array(values, pa.string()), type_)
    return pa.array(values, type_)


def outputs(run: Run, batch_rows: int) -> CollectOutput:
    """Run with so many rows a step."""
    output = CollectOutput()
    engine = run.engine(batch_rows)
    engine.run(engine.job([engine.optimized(run.plan)], [output]))
    return output


def restored_at_every_step(run: Run) -> CollectOutput:
    """One row a step; after each, the job is saved to bytes, thrown away, and restored into a fresh one."""
    output = CollectOutput()
    engine = run.engine(1)
    plan = engine.optimized(run.plan)
    job = engine.job([plan], [output])
    while job.step():
        saved = from_files(to_files(snapshot(job)))
        job.close()
        job = engine.job([plan], [output])
        restore(job, saved)
    return output


def late_rows(run: Run, table: str, batch_rows: int) -> list[str]:
    """The `$late` rows of a table, as lines of values, operator, watermark and windows missed."""
    engine = replace(run.engine(batch_rows), keep_late_columns=True)
    job: Job = engine.job([engine.optimized(run.plan)], [CollectOutput()])
    engine.run(job)
    found = job.late.to_table(table).drop_columns(["_lateness", "_op"])
    return list(text_rows(found))


def rejected_rows(run: Run, table: str, batch_rows: int) -> list[str]:
    """The `$rejects` rows of a table."""
    engine = run.engine(batch_rows)
    job: Job = engine.job([engine.optimized(run.plan)], [CollectOutput()])
    engine.run(job)
    return list(text_rows(job.rejects.to_table(table)))


def error_lines(error: StreamSqlError, lines: int) -> list[str]:
    """An error as a `.test` file writes it: the message, and where more lines are wanted, position and hint."""
    found = [error.message]
    if error.span is not None and error.source is not None:
        found.append("at {}:{}".format(*position(error.source, error.span.start)))
    if error.hint is not None:
        found.append(f"hint: {error.hint}")
    return found[:lines]


def changelog(output: CollectOutput) -> list[str]:
    """The published changes as lines `+I | a | 1`."""
    lines = []
    for rows, kinds in output:
        for index, row in enumerate(text_rows(pa.Table.from_batches([rows]))):
            kind = RowKind.INSERT if kinds is None else RowKind(int(kinds[index]))
            lines.append(f"{kind.short} | {row}")
    return lines


def text_rows(table: pa.Table) -> Iterator[str]:
    """Rows as a `.test` file writes them."""
    columns = [[_text(value) for value in column.to_pylist()] for column in table.columns]
    return (" | ".join(row) for row in zip(*columns, strict=True))


def _text(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case float():
            return format(value, ".9g")
        case Decimal():
            return format(value, "f")
        case datetime.datetime():
            return value.replace(tzinfo=None).isoformat(sep=" ")
        case str() if value != value.strip() or value in ("", "NULL"):
            return f"'{value}'"
        case _:
            return str(value)


def same(run: Run, actual: list[str], expected: list[str], *, ordered: bool | None = None) -> bool:
    """Append-only results in order, updating ones as multisets."""
    if ordered is None:
        ordered = traits(run.engine(1).optimized(run.plan)).append_only
    return actual == expected if ordered else Counter(actual) == Counter(expected)
