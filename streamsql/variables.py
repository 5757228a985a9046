"""Objects of the Python program as tables: registered ones, and variables that a name in FROM may mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import FrameType
from typing import Any

from streamsql.errors import SqlError, UsageError, did_you_mean, located
from streamsql.plan.logical import Table
from streamsql.python_data import READABLE, python_data
from streamsql.record import record
from streamsql.sql.bind_tables import bind_watermark
from streamsql.sql.context import Environment, ForeignFunction, UserFunction, View

Variables = Mapping[str, Any]


def variables_of(frame: FrameType | None) -> Variables:
    """What a running function sees: its local variables, and the global ones of its module."""
    return {} if frame is None else {**frame.f_globals, **frame.f_locals}


def registered_table(
    name: str, value: Any, watermark: str | tuple[str, timedelta] | None, primary_key: tuple[str, ...]
) -> Table:
    """The table that an object is registered as; UsageError or SqlError where it cannot be one."""
    data = python_data(name, value)
    if data is None:
        what = "an empty list has no columns: it" if value == [] else type(value).__name__
        raise UsageError(f"{what} cannot be read as a table", hint=f"register {READABLE}")
    columns = data.schema.columns
    for each in primary_key:
        if each not in data.schema.names:
            hint = did_you_mean(each, data.schema.names, kind="columns")
            raise UsageError(f"primary_key: {name} has no column {each}", hint=hint)
    table = Table(name=name, columns=columns, primary_key=primary_key, data=data)
    if watermark is None:
        return table
    text = watermark if isinstance(watermark, str) else _delayed(*watermark)
    with located(text, "watermark"):
        return replace(table, watermark=bind_watermark(text, columns))


def _delayed(column: str, delay: timedelta) -> str:
    seconds, micros = divmod(delay // timedelta(microseconds=1), 1_000_000)
    quoted = column.replace("`", "``")
    return f"`{quoted}` - INTERVAL '{seconds}.{micros:06d}' SECOND"


@record
class WithVariables:
    """The tables of a session, and where none has a name, the variables of the caller."""

    tables: Environment
    variables: Variables

    def lookup(self, name: str) -> Table | View | None:
        """The table, view or variable of that name; SqlError where it is a variable that is no table."""
        found = self.tables.lookup(name)
        if found is not None or name not in self.variables:
            return found
        value = self.variables[name]
        data = python_data(name, value)
        if data is None:
            kind = type(value).__name__
            hint = f"a variable can be read that is {READABLE}"
            raise SqlError(f"{name} is no table, and the Python variable {name} is a {kind}", hint=hint)
        return Table(name=name, columns=data.schema.columns, data=data)

    def function(self, name: str) -> UserFunction | ForeignFunction | None:
        return self.tables.function(name)

    def names(self) -> tuple[str, ...]:
        return self.tables.names()
