"""The grammar of expressions, from OR, which binds weakest, to names and literals."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from streamsql.errors import SqlError
from streamsql.sql.dialect.nodes import Call, IsJson, IsNull, IsTruth, Like, SimilarTo
from streamsql.sql.dialect.parser_calls import CallGrammar
from streamsql.sql.dialect.words import BARE_FUNCTIONS, CALLABLE, QUERY_STARTS

ADDITIVE: dict[str, type[exp.Expression]] = {"+": exp.Add, "-": exp.Sub}
MULTIPLICATIVE: dict[str, type[exp.Expression]] = {"*": exp.Mul, "/": exp.Div, "%": exp.Mod, "||": exp.DPipe}
COMPARISONS: dict[str, type[exp.Expression]] = {
    "=": exp.EQ, "<>": exp.NEQ, "!=": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE,
}  # fmt: skip
QUANTIFIERS: dict[str, type[exp.Expression]] = {"ANY": exp.Any, "SOME": exp.Any, "ALL": exp.All}
SET_OPERATORS = ("UNION", "INTERSECT", "EXCEPT")
AFTER_QUERY = frozenset({*SET_OPERATORS, "ORDER", "LIMIT", "OFFSET", "FETCH", ")"})


class ExpressionGrammar(CallGrammar):
    """Expressions. Precedence is Calcite's, as in Flink: `||` binds like `*`, IS weaker than a comparison."""

    def expression(self) -> exp.Expression:
        return self._left_associative(self._conjunction, {"OR": exp.Or})

    def _conjunction(self) -> exp.Expression:
        return self._left_associative(self._negation, {"AND": exp.And})

    def _negation(self) -> exp.Expression:
        start = self.index
        if self.accept("NOT"):
            return self.node(start, exp.Not(this=self._negation()))
        return self._is_test()

    def _left_associative(
        self, operand: Callable[[], exp.Expression], operators: dict[str, type[exp.Expression]]
    ) -> exp.Expression:
        start, left = self.index, operand()
        while operator := operators.get(self.key):
            self.take()
            left = self.node(start, operator(this=left, expression=operand()))
        return left

    # IS

    def _is_test(self) -> exp.Expression:
        start, left = self.index, self._comparison()
        while self.accept("IS"):
            negated = self.accept("NOT")
            left = self._is_what(start, left, negated)
        return left

    def _is_what(self, start: int, left: exp.Expression, negated: bool) -> exp.Expression:
        if self.accept("DISTINCT", "FROM"):
            kind = exp.NullSafeEQ if negated else exp.NullSafeNEQ
            return self.node(start, kind(this=left, expression=self._comparison()))
        if self.accept("NULL"):
            test: exp.Expression = IsNull(this=left)
        elif truth := self.accept_any("TRUE", "FALSE", "UNKNOWN"):
            test = IsTruth(this=left, value=truth)
        elif self.accept("JSON"):
            test = IsJson(this=left, kind=self.accept_any("VALUE", "OBJECT", "ARRAY", "SCALAR") or "VALUE")
        else:
            words = ("NULL", "TRUE", "FALSE", "UNKNOWN", "DISTINCT FROM", "JSON")
            raise self.error(expected=f"one of {', '.join(words)} after IS", keywords=words)
        return self._negated(start, test, negated)

    def _negated(self, start: int, test: exp.Expression, negated: bool) -> exp.Expression:
        test = self.node(start, test)
        return self.node(start, exp.Not(this=test)) if negated else test

    # Comparisons, IN, BETWEEN, LIKE

    def _comparison(self) -> exp.Expression:
        start, left = self.index, self._range_test()
        while operator := COMPARISONS.get(self.key):
            self.take()
            left = self.node(start, operator(this=left, expression=self._comparand()))
        return left

    def _comparand(self) -> exp.Expression:
        start = self.index
        quantifier = QUANTIFIERS.get(self.key)
        if quantifier is None or not self.query_ahead(self.index + 1):
            return self._range_test()
        self.take()
        return self.node(start, quantifier(this=self.in_parentheses(self.query)))

    def _range_test(self) -> exp.Expression:
        start, left = self.index, self.operand()
        while True:
            negated = self.at("NOT") and self.keys[self.index + 1] in RANGE_TESTS
            test = RANGE_TESTS.get(self.keys[self.index + negated])
            if test is None:
                return left
            self.index += negated
            left = self._negated(start, test(self, left), negated)

    def _in(self, left: exp.Expression) -> exp.Expression:
        self.expect("IN")
        if self.query_ahead(self.index):
            return exp.In(this=left, query=self.in_parentheses(self.query))
        return exp.In(this=left, expressions=self.in_parentheses(lambda: self.comma_list(self.expression)))

    def _between(self, left: exp.Expression) -> exp.Expression:
        self.expect("BETWEEN")
        symmetric = self.accept_any("SYMMETRIC", "ASYMMETRIC") == "SYMMETRIC"
        low = self.operand()
        self.expect("AND")
        return exp.Between(this=left, low=low, high=self.operand(), symmetric=symmetric)

    def _like(self, left: exp.Expression) -> exp.Expression:
        kind = Like if self.accept("LIKE") else SimilarTo
        if kind is SimilarTo:
            self.expect("SIMILAR", "TO")
        pattern = self.operand()
        escape = self.operand() if self.accept("ESCAPE") else None
        return kind(this=left, expression=pattern, escape=escape)

    def _overlaps(self, left: exp.Expression) -> exp.Expression:
        start = self.index
        self.expect("OVERLAPS")
        right = self._primary()
        if any(not isinstance(each, exp.Tuple) or len(each.expressions) != 2 for each in (left, right)):
            hint = "write (start, end) OVERLAPS (start, end)"
            raise SqlError("syntax error: OVERLAPS stands between two pairs", span=self.span(start), hint=hint)
        return Call(this="OVERLAPS", expressions=[*left.expressions, *right.expressions])

    # Arithmetic

    def operand(self) -> exp.Expression:
        return self._left_associative(self._term, ADDITIVE)

    def _term(self) -> exp.Expression:
        return self._left_associative(self._signed, MULTIPLICATIVE)

    def _signed(self) -> exp.Expression:
        start = self.index
        sign = self.accept_any("-", "+")
        if sign is None:
            return self._postfix()
        value = self._signed()
        return self.node(start, exp.Neg(this=value)) if sign == "-" else value

    def _postfix(self) -> exp.Expression:
        start, value = self.index, self._primary()
        while True:
            opening = self.index
            if self.accept("["):
                index = self.expression()
                self.close(opening, "]")
                value = self.node(start, exp.Bracket(this=value, expressions=[index]))
            elif self.at(".") and self.keys[self.index + 1] != "*":
                self.take()
                value = self.node(start, exp.Dot(this=value, expression=self.field_name()))
            else:
                return value

    # What stands for itself

    def _primary(self) -> exp.Expression:
        if (literal := self.value_literal()) is not None:
            return literal
        if self.key in ("DATE", "TIME", "TIMESTAMP") and self.tokens[self.index + 1].token_type == TokenType.STRING:
            return self.typed_literal()
        if form := PRIMARY_FORMS.get(self.key):
            return form(self)
        if self.key in CONSTRUCTORS and self.keys[self.index + 1] in ("[", "("):
            return self._constructor()
        if self._at_call():
            return self.call(self.index, [])
        if self.key in BARE_FUNCTIONS and self.keys[self.index + 1] != ".":
            start = self.index
            return self.node(start, Call(this=self.take().text.upper()))
        return self._path()

    def _placeholder(self) -> exp.Expression:
        """`?` or `:name`, which stand for values that come with the call."""
        start = self.index
        name = self.field_name().this if self.take().text == ":" else None
        return self.node(start, exp.Placeholder(this=name))

    def _at_call(self) -> bool:
        return self.keys[self.index + 1 : self.index + 2] == ["("] and (self.at_name() or self.key in CALLABLE)

    def _path(self) -> exp.Expression:
        start = self.index
        parts = [self.name("an expression")]
        while self.at(".") and self.keys[self.index + 1] != "*":
            self.take()
            if self.keys[self.index + 1 : self.index + 2] == ["("]:
                return self.call(start, parts)
            if len(parts) == 4:
                # The longest column name is read; what follows are fields, which _postfix takes.
                self.index -= 1
                break
            parts.append(self.field_name())
        column = exp.Column(**dict(zip(("this", "table", "db", "catalog"), reversed(parts), strict=False)))
        return self.node(start, column)

    def _parenthesised(self) -> exp.Expression:
        start = self.index
        if self.query_ahead(start):
            return self.node(start, exp.Subquery(this=self.in_parentheses(self.query)))
        items = self.in_parentheses(lambda: self.comma_list(self.expression))
        if len(items) == 1:
            return self.node(start, exp.Paren(this=items[0]))
        return self.node(start, exp.Tuple(expressions=items))

    def query_ahead(self, opening: int) -> bool:
        """A query stands in the parentheses that open at token `opening`."""
        if self.keys[opening] != "(":
            return False
        inner = self.keys[opening + 1]
        if inner == "TABLE":
            return self.keys[opening + 2] != "("
        if inner != "(":
            return inner in QUERY_STARTS
        return self.query_ahead(opening + 1) and self._key_after(opening + 1) in AFTER_QUERY

    def _key_after(self, opening: int) -> str:
        """The key after the partner of the parenthesis at token `opening`."""
        depth = 0
        for index in range(opening, len(self.keys) - 1):
            depth += {"(": 1, ")": -1}.get(self.keys[index], 0)
            if depth == 0:
                return self.keys[index + 1]
        return ""

    def _case(self) -> exp.Expression:
        start = self.index
        self.expect("CASE")
        operand = None if self.at("WHEN") else self.expression()
        branches = []
        while self.at("WHEN"):
            branches += self._branches(several=operand is not None)
        if not branches:
            raise self.error(expected="WHEN", keywords=("WHEN",))
        default = self.expression() if self.accept("ELSE") else None
        if not self.accept("END"):
            raise self.error(expected="WHEN, ELSE or END of this CASE", keywords=("WHEN", "ELSE", "END"))
        return self.node(start, exp.Case(this=operand, ifs=branches, default=default))

    def _branches(self, *, several: bool) -> list[exp.Expression]:
        """WHEN condition THEN value; after CASE x several values may stand in one WHEN, each of which is a branch."""
        start = self.index
        self.expect("WHEN")
        conditions = self.comma_list(self.expression) if several else [self.expression()]
        self.expect("THEN")
        value = self.expression()
        return [self.node(start, exp.If(this=each, true=value.copy())) for each in conditions]

    def _cast(self) -> exp.Expression:
        start = self.index
        kind = exp.TryCast if self.take().text.upper() == "TRY_CAST" else exp.Cast
        opening = self.index
        self.expect("(")
        value = self.expression()
        self.expect("AS")
        node = kind(this=value, to=self.type_name())
        self.close(opening)
        return self.node(start, node)

    def _exists(self) -> exp.Expression:
        start = self.index
        self.expect("EXISTS")
        return self.node(start, exp.Exists(this=self.in_parentheses(self.query)))

    def _constructor(self) -> exp.Expression:
        start = self.index
        if self.keys[start + 1] == "(" and self.key == "ROW":
            return self.call(start, [])
        name, opening = self.take().text.upper(), self.index
        if name == "ARRAY" and self.query_ahead(opening):
            subquery = exp.Subquery(this=self.in_parentheses(self.query))
            return self.node(start, Call(this=name, expressions=[self.node(opening, subquery)]))
        if not self.accept("["):
            raise self.error(expected='"["', hint=f"write {CONSTRUCTORS[name]}")
        items = [] if self.at("]") else self.comma_list(self.expression)
        self.close(opening, "]")
        if name == "MAP" and len(items) % 2:
            raise self.error(hint="MAP takes keys and values in turn: MAP['a', 1, 'b', 2]")
        return self.node(start, Call(this=name, expressions=items))


CONSTRUCTORS = {"ARRAY": "ARRAY[1, 2]", "MAP": "MAP['a', 1, 'b', 2]", "ROW": "ROW(1, 'a')"}

RANGE_TESTS: dict[str, Callable[[ExpressionGrammar, exp.Expression], exp.Expression]] = {
    "IN": ExpressionGrammar._in,
    "BETWEEN": ExpressionGrammar._between,
    "LIKE": ExpressionGrammar._like,
    "SIMILAR": ExpressionGrammar._like,
    "OVERLAPS": ExpressionGrammar._overlaps,
}

PRIMARY_FORMS: dict[str, Callable[[ExpressionGrammar], exp.Expression]] = {
    "(": ExpressionGrammar._parenthesised,
    "CASE": ExpressionGrammar._case,
    "CAST": ExpressionGrammar._cast,
    "TRY_CAST": ExpressionGrammar._cast,
    "EXISTS": ExpressionGrammar._exists,
    "INTERVAL": ExpressionGrammar.interval,
    "?": ExpressionGrammar._placeholder,
    ":": ExpressionGrammar._placeholder,
}
