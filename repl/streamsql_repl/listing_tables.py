r"""What `\d` shows."""

from __future__ import annotations

from streamsql.errors import UsageError, did_you_mean
from streamsql.plan.logical import Table
from streamsql.session import Session
from streamsql.show import describe
from streamsql_repl.vocabulary import columns_of


def listed(session: Session) -> str:
    """One line a table or view: its name, what it is, where its rows are."""
    names = sorted(session.tables.names())
    if not names:
        return "no tables yet: CREATE TABLE makes one, \\help CREATE TABLE shows how"
    width = max(map(len, names))
    return "\n".join(f"{name:<{width}}  {_what(session, name)}" for name in names)


def _what(session: Session, name: str) -> str:
    found = session.tables.lookup(name)
    if not isinstance(found, Table):
        return "view"
    if found.materialized:
        return "materialized view"
    if found.connector is None:
        return "table in memory"
    path = found.options.get("path")
    return f"table  {found.connector}{'' if path is None else '  ' + path}"


def described(session: Session, name: str) -> str:
    """The columns of a table or view, and the options of a table."""
    found = session.tables.lookup(name)
    if found is None:
        known = tuple(session.tables.names())
        raise UsageError(f"there is no table {name}", hint=did_you_mean(name, known, kind="tables") if known else None)
    if not isinstance(found, Table):
        columns = columns_of(session, name)
        width = max((len(column) for column, _, _ in columns), default=0)
        return "\n".join(f"{column:<{width}}  {type_}  {time}".rstrip() for column, type_, time in columns)
    options = {} if found.connector is None else {"connector": found.connector, **found.options}
    return "\n".join([describe(session.tables, name), *(f"'{key}' = '{value}'" for key, value in options.items())])
