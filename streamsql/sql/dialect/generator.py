"""Trees to text: one table from node class to the function that writes it."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.generator import Generator

from streamsql.sql.dialect.generator_expressions import EXPRESSIONS
from streamsql.sql.dialect.generator_queries import QUERIES
from streamsql.sql.dialect.generator_statements import STATEMENTS


class FlinkGenerator(Generator):
    """Writes trees of this dialect, all of them by our own functions: sqlglot's rewrite what they think is equal."""

    TRANSFORMS: ClassVar[Any] = {**EXPRESSIONS, **QUERIES, **STATEMENTS}

    def preprocess(self, expression: exp.Expr) -> exp.Expr:
        """The tree as it is."""
        return expression

    def sql(self, expression: str | exp.Expr | None, key: str | None = None, comment: bool = True) -> str:
        """The text of a node, or of its argument `key`; ValueError for a node of another dialect."""
        node = expression.args.get(key) if key is not None and isinstance(expression, exp.Expr) else expression
        if node is None or isinstance(node, str):
            return node or ""
        writer = self.TRANSFORMS.get(type(node))
        if writer is None:
            raise ValueError(f"{type(node).__name__} is not a node of this dialect")
        return str(writer(self, node))
