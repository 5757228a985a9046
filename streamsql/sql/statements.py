"""Statements: what a script asks for, bound and ready to be carried out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from streamsql.errors import Span
from streamsql.plan.logical import Plan, SinkPlan, Table
from streamsql.sql.context import UserFunction, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """`span`: where the statement stands in the script."""

    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class CreateTable(Statement):
    table: Table
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class CreateView(Statement):
    view: View
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class CreateMaterializedView(Statement):
    """`columns` are the names of the plan's; `reads`: the tables and views that its query names."""

    name: str
    plan: Plan
    columns: tuple[str, ...]
    reads: frozenset[str]
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class CreateFunction(Statement):
    function: UserFunction
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class Drop(Statement):
    name: str
    kind: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class Insert(Statement):
    """One or several INSERTs that run as one job."""

    plans: tuple[SinkPlan, ...]


@dataclass(frozen=True, slots=True)
class Change(Statement):
    """UPDATE or DELETE of an in-memory table.

    `plan` gives the physical columns of the rows that go; where it `replaces` them, those of the new rows after them.
    """

    table: Table
    plan: Plan
    replaces: bool


@dataclass(frozen=True, slots=True)
class Query(Statement):
    plan: Plan


@dataclass(frozen=True, slots=True)
class Explain(Statement):
    plans: tuple[Plan, ...]


@dataclass(frozen=True, slots=True)
class Describe(Statement):
    name: str


@dataclass(frozen=True, slots=True)
class Show(Statement):
    kind: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class SetOption(Statement):
    """SET 'key' = 'value'; without a key: list the settings."""

    key: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class ResetOption(Statement):
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Use(Statement):
    kind: Literal["CATALOG", "DATABASE"]
    name: str
