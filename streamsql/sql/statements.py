"""Statements: what a script asks for, bound and ready to be carried out."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal

from streamsql.errors import Span
from streamsql.plan.logical import Plan, SinkPlan, Table
from streamsql.record import record
from streamsql.sql.context import UserFunction, View


@record(kw_only=True)
class Statement:
    """`span`: where the statement stands in the script."""

    span: Span | None = field(default=None, compare=False)


@record
class CreateTable(Statement):
    """`filled_by`: the INSERT of CREATE TABLE … AS, to be bound when the table is there."""

    table: Table
    if_not_exists: bool = False
    filled_by: Any = field(default=None, compare=False)


@record
class CreateView(Statement):
    view: View
    if_not_exists: bool = False


@record
class CreateMaterializedView(Statement):
    """`columns` are the names of the plan's; `reads`: the tables and views that its query names."""

    name: str
    plan: Plan
    columns: tuple[str, ...]
    reads: frozenset[str]
    if_not_exists: bool = False


@record
class CreateFunction(Statement):
    function: UserFunction
    if_not_exists: bool = False


@record
class Drop(Statement):
    name: str
    kind: str


@record
class Insert(Statement):
    """One or several INSERTs that run as one job."""

    plans: tuple[SinkPlan, ...]


@record
class Change(Statement):
    """UPDATE or DELETE of an in-memory table.

    `plan` gives the physical columns of the rows that go; where it `replaces` them, those of the new rows after them.
    """

    table: Table
    plan: Plan
    replaces: bool


@record
class Query(Statement):
    plan: Plan


@record
class Explain(Statement):
    """`kept`: of a materialised view."""

    plans: tuple[Plan, ...]
    kept: bool = False


@record
class Describe(Statement):
    name: str


@record
class Show(Statement):
    """`like`: a pattern of LIKE that the names match, or, `negated`, do not."""

    kind: str
    name: str | None = None
    like: str | None = None
    negated: bool = False


@record
class SetOption(Statement):
    """SET 'key' = 'value'; without a key: list the settings."""

    key: str | None = None
    value: str | None = None


@record
class ResetOption(Statement):
    key: str | None = None


@record
class Use(Statement):
    kind: Literal["CATALOG", "DATABASE"]
    name: str
