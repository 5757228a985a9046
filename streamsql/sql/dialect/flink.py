"""The sqlglot dialect: tokenizer, parser and generator together, for sqlglot to call, and for text of trees."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlglot import exp, parser
from sqlglot.dialects.dialect import Dialect, NormalizationStrategy
from sqlglot.tokenizer_core import Token
from sqlglot.tokens import Tokenizer

from streamsql.sql.dialect.generator import FlinkGenerator
from streamsql.sql.dialect.parser_statements import StatementGrammar
from streamsql.sql.dialect.tokens import tokenize


class FlinkTokenizer(Tokenizer):
    """sqlglot's door to our tokens."""

    IDENTIFIERS: ClassVar[list[str | tuple[str, str]]] = ["`"]

    def tokenize(self, sql: str) -> list[Token]:
        return tokenize(sql)


class FlinkParser(parser.Parser):
    """sqlglot's door to our grammar.

    sqlglot's own grammar is the union of thirty dialects and takes much that is not SQL here, so none of it is used.
    """

    def parse(self, raw_tokens: list[Token], sql: str) -> list[exp.Expr | None]:
        """The trees of a script's statements; SqlError for the first mistake."""
        return [*StatementGrammar(raw_tokens, sql).script()]

    def parse_into(
        self, expression_types: exp.IntoType, raw_tokens: list[Token], sql: str | None = None
    ) -> list[exp.Expr | None]:
        """A lone expression, whatever type is asked for."""
        return [StatementGrammar(raw_tokens, sql or "").lone_expression()]


class Flink(Dialect):
    """Flink SQL with the EMIT clause."""

    NORMALIZATION_STRATEGY = NormalizationStrategy.CASE_SENSITIVE
    INDEX_OFFSET = 1
    NULL_ORDERING = "nulls_are_small"

    Tokenizer: ClassVar[Any] = FlinkTokenizer
    Parser: ClassVar[Any] = FlinkParser
    Generator: ClassVar[Any] = FlinkGenerator
