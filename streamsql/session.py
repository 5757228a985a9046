"""Session: the composition root. Holds tables and settings, binds SQL, and makes queries and jobs of it.

What programs in Python use, and scripts do not, is imported when they do.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from streamsql.declared_at import DeclaredAt
from streamsql.engine import Engine
from streamsql.errors import SqlError, UsageError, did_you_mean, located
from streamsql.memory_rows import CAPACITY
from streamsql.plan.logical import Table
from streamsql.runtime.settings import JobSettings
from streamsql.script import ScriptRunner
from streamsql.settings import CLOCK as CLOCK_SETTING
from streamsql.settings import Settings, make_clock
from streamsql.sql import statements as s
from streamsql.sql.bind_statements import bind_statement
from streamsql.sql.context import Environment, View, kind_of
from streamsql.sql.parse import ParsedStatement, parse_script
from streamsql.sql.user_functions import refuse_built_in
from streamsql.tables import Input, SessionTables
from streamsql.time import Clock

if TYPE_CHECKING:
    from streamsql.live_table import LiveTable
    from streamsql.materialized import MaterializedView
    from streamsql.query import Query
    from streamsql.sql.parameters import Parameters
    from streamsql.variables import Variables

Tree = Any


class Session:
    """A catalog, settings and a clock: where SQL runs.

    Threads may share one: its methods take turns. Queries run in the thread that asks for a result, but for
    `Query.changes`, which has an engine thread of its own. It belongs to the process that made it.
    """

    def __init__(
        self, *, settings: Mapping[str, str] | None = None, clock: Clock | None = None, catalog: str = "memory"
    ) -> None:
        self.settings = Settings()
        self.settings.update(settings or {})
        self._clock = clock or make_clock(self.settings.values[CLOCK_SETTING])
        self.tables = SessionTables(self._clock, catalog=catalog)
        self.keep_late_columns = False
        self._script = ("", "SQL")
        self._turn = threading.RLock()
        self._environment: Environment = self.tables
        self._parameters: Parameters | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def add_input(self, name: str, path: str, format: str | None = None) -> None:
        """Data for a table name: replaces what a CREATE TABLE of that name says, or stands in for a missing one."""
        self.tables.add_input(name, Input(path, format))

    def engine(self, *, job_settings: JobSettings | None = None) -> Engine:
        """What queries run with, by the settings of this moment."""
        self.tables.seed = int(self.settings.values["streamsql.seed"])
        default = JobSettings(batch_rows=self.settings.batch_rows)
        context = self.settings.context(self._clock)
        return Engine(self.tables, self.settings, context, self.keep_late_columns, job_settings or default)

    def statements(
        self, text: str, name: str = "SQL", *, before: Callable[[Tree], None] | None = None
    ) -> Iterator[s.Statement]:
        """The statements of a script, each bound when it is its turn (after the ones before were carried out).

        `before` is called with the tree of each before it is bound. Errors carry the text, so that they show where
        they are; so do those of whoever carries out the statements in `located`.
        """
        if not isinstance(text, str):
            raise UsageError(f"SQL is a text, not {type(text).__name__}")
        with located(text, name):
            self._script = text, name
            parsed_script = parse_script(text)
            if self._parameters is not None:
                from streamsql.sql.parameters import set_parameters

                set_parameters(parsed_script, self._parameters)
            for parsed in parsed_script:
                if before is not None:
                    before(parsed.tree)
                statement = bind_statement(parsed, self._environment, text)
                yield statement
                if isinstance(statement, s.CreateTable) and statement.filled_by is not None:
                    yield bind_statement(ParsedStatement(statement.filled_by, parsed.span), self._environment, text)

    def apply(self, statement: s.Statement) -> bool:
        """Carry out DDL and settings; False for a statement that runs a query or shows something."""
        try:
            return self._apply(statement)
        except (SqlError, UsageError) as error:
            error.span = error.span or statement.span
            raise

    def _apply(self, statement: s.Statement) -> bool:
        match statement:
            case s.CreateTable(table=table, if_not_exists=lenient, span=span):
                at = None if span is None else DeclaredAt(span, *self._script)
                self.tables.declare(table, if_not_exists=lenient, at=at)
            case s.CreateView(view=view, if_not_exists=lenient):
                self.tables.declare_view(view, if_not_exists=lenient)
            case s.CreateMaterializedView(name=name, if_not_exists=lenient):
                self.tables.materialize(
                    name, lambda: self._materialized(statement), statement.reads, if_not_exists=lenient
                )
            case s.CreateFunction(function=function, if_not_exists=lenient):
                self.tables.define(function, if_not_exists=lenient)
            case s.Change():
                from streamsql.change_table import change_table

                change_table(self.engine(), self.tables.memory(statement.table.name), statement)
            case s.Drop(name=name, kind="FUNCTION"):
                self.tables.functions.pop(name, None)
            case s.Drop(name=name):
                self.tables.drop(name)
            case s.SetOption(key=str(key), value=str(value)):
                self._set(key, value)
            case s.ResetOption(key=key):
                self.settings.reset(key)
            case _:
                return False
        return True

    def _materialized(self, made: s.CreateMaterializedView) -> MaterializedView:
        at = None if made.span is None else DeclaredAt(made.span, *self._script)
        return self.engine().materialized(made.name, made.plan, made.columns, at)

    def _set(self, key: str, value: str) -> None:
        self.settings.set(key, value)
        if key == CLOCK_SETTING:
            self._clock = make_clock(value)
            self.tables.clock = self._clock

    def sql(self, text: str, params: Parameters | None = None, *, variables: Mapping[str, Any] | bool = True) -> Query:
        """Carry out a script; its last statement's query, to be run when its result is asked for.

        Where the last statement is none, the query gives one row, `OK`; where it is EXPLAIN, one row, the plan. INSERTs
        run at once, over the rows present now.
        `params`: values for each `?`, or by name for each `:name`. `variables`: what a name in FROM may mean that is no
        table: variables of the caller (True), those of a dict, or none (False).
        """
        from streamsql.query import one_text

        with self._my_turn(), self._within(params, _seen(variables, sys._getframe(1))):
            return ScriptRunner(self).run_for_query(text) or one_text(self.engine(), "OK")

    def execute(
        self, text: str, params: Parameters | None = None, *, variables: Mapping[str, Any] | bool = True
    ) -> None:
        """Carry out a script of DDL, INSERTs and settings, as `sql` does; UsageError where it ends with a query."""
        with self._my_turn(), self._within(params, _seen(variables, sys._getframe(1))):
            if ScriptRunner(self).run_for_query(text) is not None:
                raise UsageError("execute() runs no query", hint="session.sql(text) gives a query to ask for its rows")

    def table(self, name: str, *, capacity: int = CAPACITY, keep_rows: bool = True) -> LiveTable:
        """Open an in-memory table for pushing: from now on, queries that follow it wait for more until it is closed.

        `capacity`: by how many rows the slowest running query may lag before `push` waits. Unless `keep_rows`, rows
        are forgotten as soon as all running queries have read them. Both count where the table was not open already.
        """
        from streamsql.live_table import LiveTable

        with self._my_turn():
            found = self.tables.lookup(name)
            if found is None:
                hint = did_you_mean(name, self.tables.names(), kind="tables")
                raise UsageError(f"there is no table {name}", hint=hint)
            if not isinstance(found, Table) or found.connector is not None or found.data is not None:
                kind = _not_pushable(found)
                hint = "CREATE TABLE without WITH (…) makes an in-memory table"
                raise UsageError(f"rows cannot be pushed to {name}: it is {kind}", hint=hint)
            memory = self.tables.memory(name)
            stream = memory.open_stream(capacity, keep_rows)
            return LiveTable(found, memory, stream, self.tables.owner)

    def register(
        self,
        name: str,
        data: Any,
        *,
        watermark: str | tuple[str, timedelta] | None = None,
        primary_key: Sequence[str] = (),
    ) -> None:
        """Make an object readable as a table: Arrow, pandas, polars, a DuckDB relation, a list of dicts.

        `watermark`: a column with the delay of its rows, `("ts", timedelta(seconds=5))`, or SQL, `"ts - INTERVAL '5'
        SECOND"`. `primary_key`: columns that no two rows share. What was registered under the name is replaced.
        """
        from streamsql.variables import registered_table

        with self._my_turn():
            self.tables.register(registered_table(name, data, watermark, tuple(primary_key)))

    def create_function(self, function: Callable[..., Any], *, name: str | None = None) -> None:
        """Let SQL call a Python function: one made with `streamsql.udf`, or a plain one with type hints.

        It stays callable until DROP FUNCTION; SqlError where there is a function of its name.
        """
        from streamsql.python_calls import PythonFunction
        from streamsql.python_functions import Udf, udf

        with self._my_turn():
            if not callable(function):
                raise UsageError(f"a function is wanted, not {type(function).__name__}")
            made = function if isinstance(function, Udf) else udf(name=name)(function)
            if name is not None:
                made = replace(made, name=name.upper())
            refuse_built_in(made.name)
            self.tables.define(PythonFunction(made))

    def explain(self, text: str) -> str:
        """EXPLAIN of the last query of a script."""
        with self._my_turn(), self._within(None, _seen(True, sys._getframe(1))):
            query = ScriptRunner(self).run_for_query(text)
            if query is None:
                raise UsageError("there is no query to explain")
            return query.explain()

    def close(self) -> None:
        """Stop the session's running queries and refuse further use; closing again does nothing."""
        with self._turn:
            self.tables.owner.closed = True
            runs = tuple(self.tables.runs)
        for each in runs:
            each.close()

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        with self._turn:
            self.tables.owner.check()
            yield

    @contextmanager
    def _within(self, parameters: Parameters | None, variables: Variables) -> Iterator[None]:
        """Within, statements see these parameters and variables; only in this thread's turn."""
        from streamsql.variables import WithVariables

        before = self._environment, self._parameters
        self._environment, self._parameters = WithVariables(self.tables, variables), parameters
        try:
            yield
        finally:
            self._environment, self._parameters = before


def _not_pushable(found: Table | View) -> str:
    if kind_of(found) != "TABLE":
        return f"a {kind_of(found).lower()}"
    registered = isinstance(found, Table) and found.data is not None
    return "a registered object" if registered else "a table with a connector"


def _seen(variables: Mapping[str, Any] | bool, frame: FrameType) -> Variables:
    from streamsql.variables import variables_of

    if isinstance(variables, Mapping):
        return variables
    return variables_of(frame) if variables else {}


def connect(
    *, settings: Mapping[str, str] | None = None, clock: Clock | None = None, catalog: str = "memory"
) -> Session:
    """A new session.

    `settings`: as SET takes them, such as {'table.local-time-zone': 'UTC'}. `clock`: where processing time comes from.
    """
    return Session(settings=settings, clock=clock, catalog=catalog)
