"""The names that can be completed in a session, as of now."""

from __future__ import annotations

import glob
import os
from functools import cache

from streamsql.errors import StreamSqlError
from streamsql.expr.types import SqlType
from streamsql.plan.logical import Table, TimeAttribute
from streamsql.session import Session
from streamsql.settings import KEYS
from streamsql.sql import statements as s
from streamsql.sql.context import View
from streamsql.sql.dialect.parser_statements import DROPPABLE, SHOW_LISTS, STATEMENTS
from streamsql.sql.dialect.words import CLAUSES, RESERVED
from streamsql_repl.commands import COMMANDS
from streamsql_repl.completer import Vocabulary
from streamsql_repl.listings import all_functions, all_plugins
from streamsql_repl.topics import topic_names

_PHRASES = (
    *("PRIMARY KEY", "NOT ENFORCED", "WATERMARK FOR", "STATEMENT SET", "BEGIN", "ASC", "DESC", "NULLS FIRST"),
    *(
        "NULLS LAST",
        "IS NULL",
        "IS NOT NULL",
        "DESCRIPTOR(",
        "EMIT CHANGES",
        "EMIT FINAL",
        "FILTER (WHERE",
        "INTERVAL '",
    ),
    *("SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "YEAR", "IF EXISTS", "IF NOT EXISTS", "UNION ALL", "INTERSECT"),
    *("BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "DECIMAL", "FLOAT", "DOUBLE", "STRING", "BYTES", "DATE"),
    *("TIME", "TIMESTAMP(3)", "TIMESTAMP_LTZ(3)", "VARCHAR", "TEMPORARY", "VIEW"),
)
_STARTS = ("CREATE TABLE", "CREATE VIEW", "INSERT INTO", "EXECUTE STATEMENT SET BEGIN", "EXPLAIN SELECT")


@cache
def keywords() -> tuple[str, ...]:
    """All keywords; one that only ever begins a phrase is left to that phrase."""
    phrases = (*CLAUSES, *_PHRASES)
    begun = {each.split()[0] for each in phrases if " " in each} - set(phrases)
    return tuple(sorted({*phrases, *(RESERVED - begun)}))


@cache
def starts() -> tuple[str, ...]:
    """What statements begin with."""
    shown = (f"SHOW {each}" for each in SHOW_LISTS if each in ("TABLES", "VIEWS"))
    dropped = (f"DROP {each}" for each in DROPPABLE if each in ("TABLE", "VIEW"))
    plain = (each for each in STATEMENTS if each.isalpha() and each not in ("STATEMENT", "DESC"))
    return tuple(sorted({*plain, *_STARTS, *shown, *dropped}))


@cache
def functions() -> tuple[str, ...]:
    """Functions by name, operators left out."""
    return tuple(sorted({each.name for each in all_functions() if each.kind != "operator"}))


def vocabulary(session: Session) -> Vocabulary:
    """The names that there are in a session now."""
    plugins = all_plugins()
    return Vocabulary(
        keywords=keywords(),
        starts=starts(),
        functions=(*functions(), *session.tables.functions),
        tables=tuple(sorted(session.tables.names())),
        columns=lambda name: tuple(column for column, _, _ in columns_of(session, name)),
        settings=tuple(sorted(KEYS)),
        connectors={each.name: tuple(o.name for o in each.options) for each in plugins if each.kind == "connector"},
        formats={each.name: tuple(o.name for o in each.options) for each in plugins if each.kind == "format"},
        commands=tuple(f"\\{each}" for each in COMMANDS),
        topics=topic_names(),
        files=files,
    )


def columns_of(session: Session, name: str) -> list[tuple[str, SqlType, str]]:
    """Name, type and kind of time of each column of a table or view; none where there is no such thing."""
    try:
        found = session.tables.lookup(name)
        if isinstance(found, Table):
            return [(each.name, each.type, "") for each in found.columns]
        return _view_columns(session, name) if isinstance(found, View) else []
    except StreamSqlError:
        return []  # a wrong table or view is told when it is read, not while a name is typed


def _view_columns(session: Session, name: str) -> list[tuple[str, SqlType, str]]:
    quoted = name.replace("`", "``")
    for statement in session.statements(f"SELECT * FROM `{quoted}`"):
        if isinstance(statement, s.Query):
            return [(each.name, each.type, _time(each.time)) for each in statement.plan.fields]
    return []


def _time(attribute: TimeAttribute | None) -> str:
    return "" if attribute is None else attribute.value


def files(begin: str) -> tuple[str, ...]:
    """Paths that begin so; folders end with a slash."""
    found = sorted(glob.glob(glob.escape(os.path.expanduser(begin)) + "*"))
    return tuple(f"{each}/" if os.path.isdir(each) else each for each in found)
