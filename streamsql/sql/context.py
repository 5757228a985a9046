"""What binding a statement needs to know of its surroundings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from itertools import count
from typing import Any, Protocol

from streamsql.errors import Span, SqlError, StreamSqlError, did_you_mean
from streamsql.expr.nodes import Expr
from streamsql.expr.types import SqlType
from streamsql.plan.logical import Field, Table, TimeAttribute
from streamsql.record import record
from streamsql.sql.scope import Scope
from streamsql.sql.state_hints import StateHints


@record
class View:
    """A catalog view: its query as a tree, bound anew wherever it is read; `text` is the script it stood in."""

    name: str
    query: Any
    columns: tuple[str, ...]
    text: str


def kind_of(found: Table | View) -> str:
    """What DROP calls it: a TABLE, a VIEW or a MATERIALIZED VIEW."""
    if isinstance(found, View):
        return "VIEW"
    return "MATERIALIZED VIEW" if found.materialized else "TABLE"


@record
class UserFunction:
    """A function that SQL defines, by its upper-case name: its body as a tree, and the text of that.

    A parameter without a type takes whatever the body can use. `returns` None: the type of the body.
    """

    name: str
    parameters: tuple[tuple[str, SqlType | None], ...]
    returns: SqlType | None
    body: Any
    text: str

    @property
    def usage(self) -> str:
        """How it is called, as messages and SHOW write it."""
        listed = ", ".join(name if type_ is None else f"{name} {type_}" for name, type_ in self.parameters)
        return f"{self.name}({listed})"


class ForeignFunction(Protocol):
    """A function that is written in another language."""

    @property
    def name(self) -> str: ...

    @property
    def usage(self) -> str: ...

    def __call__(self, args: tuple[Expr, ...], span: Span | None) -> Expr:
        """The call over these arguments; SqlError where they do not fit."""
        ...


class Environment(Protocol):
    """Where the binder finds tables, views and functions."""

    def lookup(self, name: str) -> Table | View | None: ...

    def function(self, name: str) -> UserFunction | ForeignFunction | None:
        """The function that was defined under an upper-case name."""
        ...

    def names(self) -> tuple[str, ...]: ...


@record
class CommonTable:
    """A WITH item, and the context in which its query is bound."""

    query: Any
    columns: tuple[str, ...]
    context: Context


@record
class Context:
    """One statement's binding: the catalog, fresh column ids, the WITH items in sight, the views being expanded.

    `outer`: the scope around the query, whose columns a subquery may read. `hints`: those of the SELECT that is bound.
    """

    environment: Environment
    ids: Iterator[int] = field(default_factory=lambda: count(1))
    common_tables: Mapping[str, CommonTable] = field(default_factory=dict)
    expanding: tuple[str, ...] = ()
    outer: Scope | None = None
    hints: StateHints = field(default_factory=StateHints)

    def field(self, name: str, type_: SqlType, time: TimeAttribute | None = None) -> Field:
        """A new column."""
        return Field(next(self.ids), name, type_, time)

    def with_common_tables(self, tables: Mapping[str, CommonTable]) -> Context:
        return replace(self, common_tables={**self.common_tables, **tables})

    def inside_view(self, name: str) -> Context:
        """For a view's own query: it sees the catalog only, and never itself."""
        return replace(self, common_tables={}, expanding=(*self.expanding, name), outer=None)

    def inside(self, scope: Scope) -> Context:
        """For a subquery of a query of that scope."""
        return replace(self, outer=replace(scope, outer=self.outer))

    def outer_ids(self) -> frozenset[int]:
        """The ids of the columns that queries further out offer."""
        found: set[int] = set()
        scope = self.outer
        while scope is not None:
            found.update(scope.ids)
            scope = scope.outer
        return frozenset(found)

    def lookup(self, name: str, span: Span | None) -> Table | View:
        """A table or view of the catalog, or SqlError with the nearest name."""
        try:
            found = self.environment.lookup(name)
        except StreamSqlError as error:
            error.span = error.span or span
            raise
        if found is None:
            known = tuple(self.environment.names()) + tuple(self.common_tables)
            hint = did_you_mean(name, known, kind="tables") if known else _how_to_declare(name)
            raise SqlError(f"unknown table {name}", span=span, hint=hint)
        return found


def _how_to_declare(name: str) -> str:
    return f"declare it with CREATE TABLE {name} (…) WITH (…), or give its data with --input {name}=PATH"
