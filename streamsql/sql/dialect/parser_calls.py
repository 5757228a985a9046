"""The grammar of function calls: special forms, aggregates' clauses, OVER and windows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from sqlglot import exp

from streamsql.errors import SqlError
from streamsql.sql.dialect.nodes import (
    Call,
    DefaultArgument,
    Descriptor,
    Frame,
    FrameBound,
    JsonBehaviour,
    JsonCall,
    NamedArgument,
    SortKey,
    Symbol,
    TableArgument,
    WindowSpec,
)
from streamsql.sql.dialect.parser_types import TypeGrammar
from streamsql.sql.dialect.words import QUERY_STARTS

FRAME_UNITS = ("ROWS", "RANGE", "GROUPS")
EXCLUDED = ("CURRENT ROW", "GROUP", "TIES", "NO OTHERS")


class CallGrammar(TypeGrammar):
    """Function calls. What is between the parentheses is ordinary unless the name is in `SPECIAL_FORMS`."""

    @abstractmethod
    def expression(self) -> exp.Expression:
        """Any expression."""

    @abstractmethod
    def query(self) -> exp.Expression:
        """A query without the parentheses around it."""

    @abstractmethod
    def table_argument(self) -> TableArgument:
        """`TABLE t` or `TABLE (query)` as an argument."""

    @abstractmethod
    def partitioned(self, start: int, relation: exp.Expression) -> TableArgument:
        """A relation as an argument, with the PARTITION BY and ORDER BY that may follow it."""

    def call(self, start: int, namespace: list[exp.Identifier]) -> Call:
        """A call whose name is the next token; `start` is where its namespace begins."""
        name = self.take().text.upper()
        opening = self.index
        self.expect("(")
        special = SPECIAL_FORMS.get(name) if not namespace else None
        node = special(self, name) if special else self._plain_call(name)
        self.close(opening)
        if namespace:
            node.set("namespace", namespace)
        return self._with_clauses(start, node)

    def _plain_call(self, name: str) -> Call:
        distinct = self.accept("DISTINCT")
        if not distinct:
            self.accept("ALL")
        node = Call(this=name, distinct=distinct)
        if not self.at(")"):
            node.set("expressions", self.comma_list(self.argument))
        self._inner_clauses(node)
        return node

    def argument(self) -> exp.Expression:
        """An argument: an expression, `name => value`, DEFAULT, `*`, TABLE t or DESCRIPTOR(...)."""
        start = self.index
        if self.accept("*"):
            return self.node(start, exp.Star())
        if self.keys[self.index + 1] == "=>":
            name = self.field_name()
            self.expect("=>")
            return self.node(start, NamedArgument(this=name, expression=self.argument()))
        if self.at("DEFAULT") and self.keys[self.index + 1] in (",", ")"):
            self.take()
            return self.node(start, DefaultArgument())
        if self.at("DESCRIPTOR", "("):
            return self.descriptor()
        if self.at("TABLE"):
            return self.table_argument()
        if self.key in QUERY_STARTS:
            query = self.query()
            return self.node(start, exp.Subquery(this=query))
        expression = self.expression()
        if isinstance(expression, exp.Subquery) and self.at("PARTITION", "BY"):
            return self.partitioned(start, expression)
        return expression

    def descriptor(self) -> Descriptor:
        """DESCRIPTOR(name, ...)."""
        start = self.index
        self.expect("DESCRIPTOR")
        return self.node(start, Descriptor(expressions=self.names()))

    # Clauses after the arguments

    def _inner_clauses(self, node: Call) -> None:
        self._null_treatment(node)
        if self.at("ORDER"):
            node.set("within_group", self.order_by())

    def _null_treatment(self, node: Call) -> None:
        if treatment := next((each for each in ("IGNORE", "RESPECT") if self.accept(each, "NULLS")), None):
            node.set("null_treatment", treatment)

    def _with_clauses(self, start: int, node: Call) -> Call:
        if self.accept("WITHIN", "GROUP"):
            node.set("within_group", self.in_parentheses(self.order_by))
        self._null_treatment(node)
        if self.at("FILTER", "("):
            self.take()
            node.set("filter", self.in_parentheses(self._filter_condition))
        self._null_treatment(node)
        if self.accept("OVER"):
            node.set("over", self.over())
        return self.node(start, node)

    def _filter_condition(self) -> exp.Expression:
        self.expect("WHERE")
        return self.expression()

    def order_by(self) -> list[SortKey]:
        """ORDER BY and its keys."""
        self.expect("ORDER", "BY")
        return self.comma_list(self.sort_key)

    def sort_key(self) -> SortKey:
        """One item of ORDER BY."""
        start, value = self.index, self.expression()
        descending = self.accept_any("ASC", "DESC") == "DESC"
        nulls = self.accept_any("FIRST", "LAST") if self.accept("NULLS") else None
        return self.node(start, SortKey(this=value, descending=descending, nulls=nulls))

    # Windows of OVER

    def over(self) -> WindowSpec:
        """A window's name, or its description in parentheses."""
        start = self.index
        if self.at("("):
            return self.node(start, self.in_parentheses(self._window_spec))
        return self.node(start, WindowSpec(this=self.name("a window")))

    def _window_spec(self) -> WindowSpec:
        spec = WindowSpec()
        if self.at_name() and not self._at_frame():
            self.implicit_alias = self.index
            spec.set("this", self.name())
        if self.accept("PARTITION", "BY"):
            spec.set("partition_by", self.comma_list(self.expression))
        if self.at("ORDER"):
            spec.set("order_by", self.order_by())
        if self._at_frame():
            spec.set("frame", self._frame())
        return spec

    def _at_frame(self) -> bool:
        """GROUPS may also be the name of a window."""
        named = (")", "PARTITION", "ORDER", *FRAME_UNITS)
        return self.key in FRAME_UNITS and not (self.key == "GROUPS" and self.keys[self.index + 1] in named)

    def window_spec(self) -> WindowSpec:
        """`( ... )` of a WINDOW clause."""
        start = self.index
        return self.node(start, self.in_parentheses(self._window_spec))

    def _frame(self) -> Frame:
        start, unit = self.index, self.take().text.upper()
        if self.accept("BETWEEN"):
            low = self._frame_bound()
            self.expect("AND")
            high = self._frame_bound()
        else:
            low, high = self._frame_bound(), FrameBound(kind="CURRENT ROW")
        return self.node(start, Frame(unit=unit, start=low, end=high, exclude=self._excluded()))

    def _excluded(self) -> str | None:
        if not self.accept("EXCLUDE"):
            return None
        for kind in EXCLUDED:
            if self.accept(*kind.split()):
                return kind
        raise self.error(expected=f"{', '.join(EXCLUDED[:-1])} or {EXCLUDED[-1]}", keywords=EXCLUDED)

    def _frame_bound(self) -> FrameBound:
        start = self.index
        for kind in ("UNBOUNDED PRECEDING", "UNBOUNDED FOLLOWING", "CURRENT ROW"):
            if self.accept(*kind.split()):
                return self.node(start, FrameBound(kind=kind))
        distance = self.expression()
        kind_word = self.accept_any("PRECEDING", "FOLLOWING")
        if kind_word is None:
            raise self.error(expected="PRECEDING or FOLLOWING", keywords=("PRECEDING", "FOLLOWING"))
        return self.node(start, FrameBound(kind=kind_word, this=distance))

    # Special forms: each reads what stands between the parentheses

    def _extract(self, name: str) -> Call:
        unit = self.time_unit()
        self.expect("FROM")
        return Call(this=name, expressions=[unit, self.expression()])

    def _floor(self, name: str) -> Call:
        arguments = [self.expression()]
        if self.accept("TO"):
            arguments.append(self.time_unit())
        elif self.accept(","):
            arguments += self.comma_list(self.expression)
        return Call(this="CEIL" if name == "CEILING" else name, expressions=arguments)

    def _timestamp_arithmetic(self, name: str) -> Call:
        arguments: list[exp.Expression] = [self.time_unit()]
        self.expect(",")
        return Call(this=name, expressions=arguments + self.comma_list(self.expression))

    def _trim(self, name: str) -> Call:
        start = self.index
        side = self.accept_any("BOTH", "LEADING", "TRAILING")
        symbol = self.node(start, Symbol(this=side)) if side else Symbol(this="BOTH")
        blank: exp.Expression = exp.Literal.string(" ")
        if self.accept("FROM"):
            return Call(this=name, expressions=[symbol, blank, self.expression()])
        value = self.expression()
        if self.accept("FROM"):
            return Call(this=name, expressions=[symbol, value, self.expression()])
        if side:
            return Call(this=name, expressions=[symbol, blank, value])
        more = self.comma_list(self.expression) if self.accept(",") else []
        return Call(this=name, expressions=[value, *more])

    def _substring(self, name: str) -> Call:
        arguments = [self.expression()]
        separators = ("FROM", "FOR") if self.at("FROM") else (",", ",")
        arguments += [self.expression() for each in separators if self.accept(each)]
        return Call(this=name, expressions=arguments)

    def _position(self, name: str) -> Call:
        # IN is an operator too, so the first operand stops before it.
        arguments = [self.operand()]
        if not self.accept("IN"):
            self.expect(",")
        arguments.append(self.expression())
        if self.accept_any("FROM", ","):
            arguments.append(self.expression())
        return Call(this=name, expressions=arguments)

    @abstractmethod
    def operand(self) -> exp.Expression:
        """An expression without comparisons, IN, LIKE and what binds weaker."""

    def _overlay(self, name: str) -> Call:
        arguments = [self.expression()]
        for word in ("PLACING", "FROM"):
            if not self.accept(word):
                self.expect(",")
            arguments.append(self.expression())
        if self.accept_any("FOR", ","):
            arguments.append(self.expression())
        return Call(this=name, expressions=arguments)

    # JSON functions

    def _json_read(self, name: str) -> JsonCall:
        value = self.expression()
        self.expect(",")
        node = JsonCall(this=name, expressions=[value, self.expression()])
        if name != "JSON_EXISTS" and self.accept("RETURNING"):
            node.set("returning", self.type_name())
        if name == "JSON_QUERY":
            node.set("wrapper", self._wrapper())
        kinds = JSON_BEHAVIOURS[name]
        while self.key in {kind.split()[0] for kind in kinds}:
            behaviour = self._behaviour(kinds)
            self.expect("ON")
            event = self.accept_any("ERROR") if name == "JSON_EXISTS" else self.accept_any("EMPTY", "ERROR")
            if event is None:
                raise self.error(expected="ERROR" if name == "JSON_EXISTS" else "EMPTY or ERROR")
            if node.args.get(f"on_{event.lower()}"):
                raise SqlError(f"syntax error: ON {event} is given twice", span=self.span(self.index - 1))
            node.set(f"on_{event.lower()}", behaviour)
        return node

    def _behaviour(self, kinds: tuple[str, ...]) -> JsonBehaviour:
        start = self.index
        kind = next((each for each in kinds if self.accept(*each.split())), None)
        if kind is None:
            raise self.error(expected=" or ".join(kinds))
        return self.node(start, JsonBehaviour(kind=kind, this=self.expression() if kind == "DEFAULT" else None))

    def _wrapper(self) -> str | None:
        wrapper = None
        if self.accept("WITHOUT"):
            wrapper = "WITHOUT"
        elif self.accept("WITH"):
            wrapper = self.accept_any("CONDITIONAL", "UNCONDITIONAL") or "UNCONDITIONAL"
        if wrapper:
            self.accept("ARRAY")
            self.expect("WRAPPER")
        return wrapper

    def _json_object(self, name: str) -> JsonCall:
        node = JsonCall(this=name)
        if not self.at(")") and not self._at_on_null():
            pairs = [self._json_pair()] if name == "JSON_OBJECTAGG" else self.comma_list(self._json_pair)
            node.set("expressions", [part for pair in pairs for part in pair])
        self._on_null(node)
        return node

    def _json_pair(self) -> tuple[exp.Expression, exp.Expression]:
        self.accept("KEY")
        key = self.expression()
        if not self.accept_any("VALUE", ":"):
            raise self.error(expected="VALUE", hint="write JSON_OBJECT('key' VALUE value, ...)")
        return key, self.expression()

    def _json_array(self, name: str) -> JsonCall:
        node = JsonCall(this=name)
        if not self.at(")") and not self._at_on_null():
            node.set("expressions", self.comma_list(self.expression))
        if self.at("ORDER"):
            node.set("within_group", self.order_by())
        self._on_null(node)
        return node

    def _at_on_null(self) -> bool:
        return self.at("NULL", "ON", "NULL") or self.at("ABSENT", "ON", "NULL")

    def _on_null(self, node: JsonCall) -> None:
        if self._at_on_null():
            node.set("on_null", self.take().text.upper())
            self.expect("ON", "NULL")


JSON_BEHAVIOURS = {
    "JSON_VALUE": ("NULL", "ERROR", "DEFAULT"),
    "JSON_QUERY": ("NULL", "ERROR", "EMPTY ARRAY", "EMPTY OBJECT"),
    "JSON_EXISTS": ("TRUE", "FALSE", "UNKNOWN", "ERROR"),
}

SPECIAL_FORMS: dict[str, Callable[[CallGrammar, str], Call]] = {
    "EXTRACT": CallGrammar._extract,
    "FLOOR": CallGrammar._floor,
    "CEIL": CallGrammar._floor,
    "CEILING": CallGrammar._floor,
    "TIMESTAMPADD": CallGrammar._timestamp_arithmetic,
    "TIMESTAMPDIFF": CallGrammar._timestamp_arithmetic,
    "TRIM": CallGrammar._trim,
    "SUBSTRING": CallGrammar._substring,
    "POSITION": CallGrammar._position,
    "OVERLAY": CallGrammar._overlay,
    "JSON_VALUE": CallGrammar._json_read,
    "JSON_QUERY": CallGrammar._json_read,
    "JSON_EXISTS": CallGrammar._json_read,
    "JSON_OBJECT": CallGrammar._json_object,
    "JSON_OBJECTAGG": CallGrammar._json_object,
    "JSON_ARRAY": CallGrammar._json_array,
    "JSON_ARRAYAGG": CallGrammar._json_array,
}
