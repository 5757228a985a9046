"""The grammar of MATCH_RECOGNIZE."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from streamsql.errors import SqlError
from streamsql.sql.dialect.nodes import (
    Call,
    MatchRecognize,
    PatternAlternatives,
    PatternExclusion,
    PatternPermute,
    PatternRepeat,
    PatternSequence,
    PatternSubset,
    SkipTo,
)
from streamsql.sql.dialect.parser_expressions import ExpressionGrammar

PATTERN_ENDS = (")", "|", ",", "$", "}", "-")


class MatchGrammar(ExpressionGrammar):
    """MATCH_RECOGNIZE, its clauses in the order of the standard."""

    def match_recognize(self, relation: exp.Expression) -> MatchRecognize:
        """MATCH_RECOGNIZE ( ... ) over a relation."""
        self.expect("MATCH_RECOGNIZE")
        node = MatchRecognize(this=relation)
        opening = self.index
        self.expect("(")
        if self.accept("PARTITION", "BY"):
            node.set("partition_by", self.comma_list(self.expression))
        if self.at("ORDER", "BY"):
            node.set("order_by", self.order_by())
        if self.accept("MEASURES"):
            node.set("measures", self.comma_list(self._measure))
        self._rows_per_match(node)
        if self.accept("AFTER"):
            node.set("after", self._after_match())
        self._pattern_clause(node)
        if self.accept("WITHIN"):
            node.set("within", self.interval())
        if self.accept("SUBSET"):
            node.set("subsets", self.comma_list(self._subset))
        if not self.accept("DEFINE"):
            raise self.error(expected="DEFINE", keywords=("WITHIN", "SUBSET", "DEFINE"))
        node.set("define", self.comma_list(self._definition))
        self.close(opening)
        return node

    def _measure(self) -> exp.Alias:
        start = self.index
        semantics = self.accept_any("FINAL", "RUNNING")
        value = self.expression()
        if semantics:
            value = self.node(start, Call(this=semantics, expressions=[value]))
        self.expect("AS")
        return self.node(start, exp.Alias(this=value, alias=self.name()))

    def _rows_per_match(self, node: MatchRecognize) -> None:
        if self.accept("ONE"):
            self.expect("ROW", "PER", "MATCH")
            node.set("rows_per_match", "ONE")
        elif self.accept("ALL"):
            self.expect("ROWS", "PER", "MATCH")
            node.set("rows_per_match", "ALL")

    def _after_match(self) -> SkipTo:
        start = self.index
        self.expect("MATCH", "SKIP")
        for kind in ("PAST LAST ROW", "TO NEXT ROW"):
            if self.accept(*kind.split()):
                return self.node(start, SkipTo(kind=kind))
        if not self.accept("TO"):
            raise self.error(expected="PAST LAST ROW, TO NEXT ROW, TO FIRST variable or TO LAST variable")
        side = self.accept_any("FIRST", "LAST") or "LAST"
        return self.node(start, SkipTo(kind=f"TO {side}", this=self.name("a pattern variable")))

    def _subset(self) -> PatternSubset:
        start, name = self.index, self.name()
        self.expect("=")
        return self.node(start, PatternSubset(this=name, expressions=self.names()))

    def _definition(self) -> exp.Alias:
        start, variable = self.index, self.name("a pattern variable")
        self.expect("AS")
        return self.node(start, exp.Alias(this=self.expression(), alias=variable))

    # The pattern

    def _pattern_clause(self, node: MatchRecognize) -> None:
        if not self.accept("PATTERN"):
            words = ("MEASURES", "ONE ROW PER MATCH", "ALL ROWS PER MATCH", "AFTER MATCH SKIP", "PATTERN")
            raise self.error(expected="PATTERN", keywords=words)
        opening = self.index
        self.expect("(")
        node.set("strict_start", self.accept("^"))
        node.set("pattern", self._alternatives())
        node.set("strict_end", self.accept("$"))
        self.close(opening)

    def _alternatives(self) -> exp.Expression:
        start, choices = self.index, [self._sequence()]
        while self.accept("|"):
            choices.append(self._sequence())
        return choices[0] if len(choices) == 1 else self.node(start, PatternAlternatives(expressions=choices))

    def _sequence(self) -> exp.Expression:
        start, parts = self.index, [self._quantified()]
        while self.key not in PATTERN_ENDS and not self.at_end:
            parts.append(self._quantified())
        return parts[0] if len(parts) == 1 else self.node(start, PatternSequence(expressions=parts))

    def _quantified(self) -> exp.Expression:
        start, pattern = self.index, self._pattern_item()
        bounds = self._quantifier()
        if bounds is None:
            return pattern
        low, high = bounds
        if high is not None and (high < low or high == 0):
            raise SqlError(f"a pattern cannot repeat {low} to {high} times", span=self.span(start, self.index))
        repeat = PatternRepeat(this=pattern, low=low, high=high, reluctant=self.accept("?"))
        return self.node(start, repeat)

    def _quantifier(self) -> tuple[int, int | None] | None:
        opening = self.index
        if symbol := self.accept_any("*", "+", "?"):
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[symbol]
        if self.at("{", "-") or not self.accept("{"):
            return None
        low = self.integer() if self.at_type(TokenType.NUMBER) else 0
        high: int | None = low
        if self.accept(","):
            high = self.integer() if self.at_type(TokenType.NUMBER) else None
        self.close(opening, "}")
        return low, high

    def _pattern_item(self) -> exp.Expression:
        start = self.index
        if self.at("("):
            return self.in_parentheses(self._alternatives)
        if self.accept("{", "-"):
            excluded = self._alternatives()
            self.expect("-")
            self.close(start, "}")
            return self.node(start, PatternExclusion(this=excluded))
        if self.at("PERMUTE", "("):
            self.take()
            choices = self.in_parentheses(lambda: self.comma_list(self._alternatives))
            return self.node(start, PatternPermute(expressions=choices))
        return self.name("a pattern variable")
