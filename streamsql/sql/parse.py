"""Text to trees and back: what the rest of the engine calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from sqlglot import exp

from streamsql.errors import Span, SqlError
from streamsql.record import record
from streamsql.sql.dialect.cursor import stored_span
from streamsql.sql.dialect.parser_statements import StatementGrammar
from streamsql.sql.dialect.tokens import tokenize

Result = TypeVar("Result")


@record
class ParsedStatement:
    """A statement's tree, and where it stands in the script."""

    tree: exp.Expression
    span: Span


def parse_script(text: str) -> list[ParsedStatement]:
    """All statements of a script. SqlError, with its span, for the first mistake.

    >>> [to_sql(each.tree) for each in parse_script("SET 'a'='b';; select A from t where x<>1")]
    ["SET 'a' = 'b'", 'SELECT A FROM t WHERE x <> 1']
    """
    trees = _within_the_stack(text, lambda: StatementGrammar(tokenize(text), text).script())
    whole = Span(0, len(text))
    return [ParsedStatement(tree, span_of(tree) or whole) for tree in trees if isinstance(tree, exp.Expression)]


def parse_expression(text: str) -> exp.Expression:
    """The tree of one expression; SqlError, with its span, if it is none."""
    tree = _within_the_stack(text, lambda: StatementGrammar(tokenize(text), text).lone_expression())
    assert isinstance(tree, exp.Expression)
    return tree


def _within_the_stack(text: str, parse: Callable[[], Result]) -> Result:
    try:
        return parse()
    except RecursionError:
        raise SqlError("syntax error: this is nested too deeply", span=Span(0, len(text))) from None


def to_sql(tree: exp.Expression) -> str:
    """The tree as text that parses to an equal tree."""
    from streamsql.sql.dialect.flink import Flink

    return Flink().generate(tree, copy=False)


def conjunct_trees(tree: exp.Expression) -> Iterator[exp.Expression]:
    """The conditions that AND joins; parentheses about one that asks something of a query are taken off."""
    if isinstance(tree, exp.And):
        yield from conjunct_trees(tree.this)
        yield from conjunct_trees(tree.expression)
    elif isinstance(tree, exp.Paren) and isinstance(tree.this, exp.And | exp.Not | exp.In | exp.Exists | exp.Paren):
        yield from conjunct_trees(tree.this)
    else:
        yield tree


def span_of(tree: exp.Expression) -> Span | None:
    """The stretch of text that an expression, relation or statement was parsed from; None if it was made otherwise."""
    if (span := stored_span(tree)) is not None:
        return span
    children = (child for child in tree.iter_expressions() if isinstance(child, exp.Expression))
    spans = [span for child in children if (span := span_of(child)) is not None]
    return Span(min(each.start for each in spans), max(each.end for each in spans)) if spans else None
