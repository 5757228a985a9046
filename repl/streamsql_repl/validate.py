"""`streamsql validate`: all errors of a script over its inputs, without running it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from itertools import pairwise

import click
from streamsql_connectors.streams import STANDARD

from streamsql.engine import looked_up, scans
from streamsql.errors import SqlError, StreamSqlError, UsageError, located, nearest
from streamsql.plan.logical import Plan, SinkPlan
from streamsql.ports import ReadRequest
from streamsql.record import record
from streamsql.runtime.output import CollectOutput
from streamsql.session import Session
from streamsql.sql import statements as s
from streamsql.sql.dialect.pieces import pieces
from streamsql_repl.inputs import InputArgument, add_inputs, read_inputs
from streamsql_repl.python_files import add_functions
from streamsql_repl.recovery import further_errors
from streamsql_repl.splitter import Statement, all_statements
from streamsql_repl.typed import is_name, name_of

_NAME_FOLLOWS = ("TABLE", "VIEW", "FUNCTION", "EXISTS")
_LOOKED_AT = 1_000
"""So many rows of each input are read, to see whether they fit the columns."""


def validate_text(
    text: str, name: str, inputs: tuple[str, ...], input_format: str | None, function_files: tuple[str, ...]
) -> int:
    """Print every error of a script to stderr; 2 if there is one, else 0."""
    found = script_errors(text, name, read_inputs(inputs), input_format, function_files)
    for each in found:
        click.echo(f"error: {each}\n", err=True)
    count = len(found)
    if count:
        click.echo(f"{name}: {count} error{'' if count == 1 else 's'}", err=True)
        return 2
    click.echo(f"{name}: no errors")
    return 0


def script_errors(
    text: str,
    name: str,
    inputs: tuple[InputArgument, ...] = (),
    input_format: str | None = None,
    function_files: tuple[str, ...] = (),
) -> list[StreamSqlError]:
    """Every error of a script, in the order of its text; those that only follow from an earlier one are left out."""
    session = Session()
    add_inputs(session, inputs, input_format)
    add_functions(session, function_files)
    check = _Check(session, text, name)
    for statement in all_statements(text):
        check.statement(statement)
    check.errors.sort(key=lambda each: each.span.start if each.span and each.source == text else len(text))
    return [*check.errors, *_unused(inputs, check.words)]


def _unused(inputs: tuple[InputArgument, ...], words: set[str]) -> Iterator[StreamSqlError]:
    for each in inputs:
        if each.name not in words:
            near = nearest(each.name, sorted(words))
            hint = f'did you mean "{near[0]}"?' if near else None
            yield UsageError(f"--input {each.name}: the script uses no table {each.name}", hint=hint)


@record(frozen=False)
class _Check:
    """Goes through a script. `broken`: names whose declaration is wrong; what uses them cannot be judged."""

    session: Session
    text: str
    name: str
    errors: list[StreamSqlError] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)

    def statement(self, statement: Statement) -> None:
        """Check one statement, and carry it out if others build on it."""
        names = {name_of(each) for each in pieces(statement.text) if is_name(each)}
        self.words |= names
        if names & self.broken:
            self.broken |= {declared} if (declared := _declared_name(statement)) else set()
            return
        alone = statement.within(self.text)
        try:
            for bound in self.session.statements(alone, self.name):
                with located(alone, self.name):
                    self._try(bound)
        except StreamSqlError as error:
            self._add(error)
            self._add_more(alone, error)
            if (declared := _declared_name(statement)) is not None:
                self.broken.add(declared)

    def _try(self, bound: s.Statement) -> None:
        match bound:
            case s.Query(plan=plan):
                self._try_plans([plan])
            case s.Insert(plans=plans) | s.Explain(plans=plans):
                self._try_plans(list(plans))
            case _:
                self.session.apply(bound)

    def _try_plans(self, plans: list[Plan]) -> None:
        engine = self.session.engine()
        optimized = [engine.optimized(each) for each in plans]
        for each in optimized:
            if isinstance(each, SinkPlan):
                self.session.tables.open_sink(each.table, overwrite=each.overwrite)
            self._look_at_inputs(each)
        engine.job(optimized, [CollectOutput() for _ in optimized]).close()
        for each in optimized:
            engine.run_over_nothing(each)

    def _look_at_inputs(self, plan: Plan) -> None:
        """Read the first rows of every file."""
        for scan in (*scans(plan), *looked_up(plan)):
            if scan.table.connector != "filesystem" or scan.table.options.get("path") == STANDARD:
                continue
            source = self.session.tables.open_source(scan.table)
            columns = tuple(each.name for each in scan.physical)
            seen = 0
            for delivered in source.read(ReadRequest(columns, batch_rows=_LOOKED_AT)):
                seen += delivered.rows.num_rows
                if seen >= _LOOKED_AT:
                    break

    def _add_more(self, alone: str, error: StreamSqlError) -> None:
        if isinstance(error, SqlError):
            for each in further_errors(alone, error, self.session.tables):
                self._add(each)

    def _add(self, error: StreamSqlError) -> None:
        if error.source is None or error.source_name == self.name:
            error.source, error.source_name = self.text, self.name
        self.errors.append(error)


def _declared_name(statement: Statement) -> str | None:
    """The name that a CREATE statement gives, also where the rest of it is wrong."""
    seen = [each for each in pieces(statement.text) if each.kind not in ("space", "comment")]
    if not seen or seen[0].upper != "CREATE":
        return None
    for before, piece in pairwise(seen):
        if before.upper in _NAME_FOLLOWS and is_name(piece) and piece.upper != "IF":
            return name_of(piece)
    return None
