"""Going on after an error within a statement: the wrong part is taken out, and the rest bound again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamsql.errors import Span, SqlError
from streamsql.sql.bind_statements import bind_statement
from streamsql.sql.context import Environment
from streamsql.sql.dialect import exp
from streamsql.sql.parse import ParsedStatement, parse_script, span_of

_CLAUSES = ("where", "having", "qualify", "order")
_MOST = 20


def further_errors(text: str, first: SqlError, environment: Environment) -> Iterator[SqlError]:
    """The errors behind the first one in the SELECT list and the conditions of a statement's outermost SELECT.

    Nothing that could only follow from the first: an unknown table makes all that reads it unknown too.
    """
    try:
        (parsed,) = parse_script(text)
    except SqlError:
        return
    error: SqlError | None = first
    for _ in range(_MOST):
        if error is None or error.span is None or not _take_out(parsed.tree, error.span):
            return
        error = _bind(parsed, environment, text)
        if error is not None:
            yield error


def _bind(parsed: ParsedStatement, environment: Environment, text: str) -> SqlError | None:
    try:
        bind_statement(ParsedStatement(parsed.tree.copy(), parsed.span), environment, text)
    except SqlError as error:
        return error
    return None


def _take_out(tree: Any, span: Span) -> bool:
    """Replace the part with the error by NULL, or drop its clause; False where that could make new errors."""
    query = tree.args.get("query") or tree
    if not isinstance(query, exp.Select):
        return False
    for item in query.expressions:
        if _holds(item, span):
            value = item.this if isinstance(item, exp.Alias) else item
            name = value.name or "_"
            new = exp.Null() if isinstance(item, exp.Alias) else exp.alias_(exp.Null(), name, quoted=True)
            value.replace(new)
            return True
    for clause in _CLAUSES:
        found = query.args.get(clause)
        if found is not None and _holds(found, span):
            query.set(clause, None)
            return True
    return False


def _holds(tree: Any, span: Span) -> bool:
    own = span_of(tree)
    return own is not None and own.start <= span.start and span.end <= own.end
