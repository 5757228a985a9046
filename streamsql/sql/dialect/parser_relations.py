"""The grammar of FROM: tables, joins, window functions, UNNEST, LATERAL, hints."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from streamsql.errors import SqlError
from streamsql.sql.dialect.cursor import Item
from streamsql.sql.dialect.nodes import (
    Descriptor,
    Hint,
    HintList,
    JoinedTable,
    NamedArgument,
    Option,
    TableArgument,
    TableFunction,
    Unnest,
    WindowTable,
)
from streamsql.sql.dialect.parser_match import MatchGrammar

# What the arguments of each window function are, in order; the first is the table, the second its time column.
WINDOW_ARGUMENTS = {
    "TUMBLE": ("data", "timecol", "size", "offset"),
    "HOP": ("data", "timecol", "slide", "size", "offset"),
    "CUMULATE": ("data", "timecol", "step", "size", "offset"),
    "SESSION": ("data", "timecol", "gap"),
}
WINDOW_FORMS = {
    "TUMBLE": "TUMBLE(TABLE t, DESCRIPTOR(ts), size [, offset])",
    "HOP": "HOP(TABLE t, DESCRIPTOR(ts), slide, size [, offset])",
    "CUMULATE": "CUMULATE(TABLE t, DESCRIPTOR(ts), step, size [, offset])",
    "SESSION": "SESSION(TABLE t [PARTITION BY k], DESCRIPTOR(ts), gap)",
}
# Words that end a relation though they are not reserved: no alias unless AS is written.
NEVER_AN_ALIAS = ("EMIT", "MATCH_CONDITION")
NOT_AN_ALIAS = {
    "ASOF": ("JOIN", "INNER", "LEFT", "RIGHT", "FULL", "SEMI", "ANTI"),
    "SEMI": ("JOIN",),
    "ANTI": ("JOIN",),
}
JOIN_KINDS = ("INNER", "LEFT", "RIGHT", "FULL", "CROSS", "SEMI", "ANTI")


class RelationGrammar(MatchGrammar):
    """What stands in FROM."""

    def relations(self) -> exp.Expression:
        """Relations with commas or joins between."""
        start, left = self.index, self._join_chain()
        while self.accept(","):
            right = self._join_chain()
            left = self.node(start, JoinedTable(this=left, expression=right, kind="CROSS", comma=True))
        return left

    # Joins

    def _join_chain(self) -> exp.Expression:
        start, left = self.index, self._relation()
        while (join := self._join_head()) is not None:
            join.set("this", left)
            join.set("expression", self._relation())
            self._join_condition(join)
            left = self.node(start, join)
        return left

    def _join_head(self) -> JoinedTable | None:
        """NATURAL LEFT OUTER JOIN and the like, as a join without its sides; None if no join follows."""
        start = self.index
        natural = self.accept("NATURAL")
        asof = self.accept("ASOF")
        kind = self.accept_any(*JOIN_KINDS) or "INNER"
        if kind in ("LEFT", "RIGHT", "FULL"):
            if kind == "LEFT":
                kind = self.accept_any("SEMI", "ANTI") or kind
            self.accept("OUTER")
            asof = self.accept("ASOF") or asof
        if self.accept("JOIN"):
            return JoinedTable(kind=kind, natural=natural, asof=asof)
        if self.index > start and self.keys[start] not in ("ASOF", "SEMI", "ANTI"):
            raise self.error(expected="JOIN", keywords=("JOIN", "OUTER JOIN"))
        self.index = start
        return None

    def _join_condition(self, join: JoinedTable) -> None:
        if self.accept("MATCH_CONDITION"):
            join.set("match_condition", self.expression())
        if self.accept("ON"):
            join.set("on", self.expression())
        elif self.at("USING"):
            self.take()
            join.set("using", self.names())
        kind, natural = join.args["kind"], join.args["natural"]
        has_condition = join.args.get("on") or join.args.get("using")
        if has_condition and (kind == "CROSS" or natural):
            what = "NATURAL JOIN" if natural else "CROSS JOIN"
            raise SqlError(
                f"syntax error: a {what} takes no condition",
                span=self.span(self.index - 1),
                hint="write JOIN ... ON condition",
            )
        if not has_condition and kind != "CROSS" and not natural:
            raise self.error(
                expected="ON or USING",
                hint="a join needs a condition: ON a.id = b.id; every pair of rows: CROSS JOIN, or ON TRUE",
            )

    # One relation

    def _relation(self) -> exp.Expression:
        start = self.index
        relation = self._unaliased()
        self._alias(relation)
        while self.at("MATCH_RECOGNIZE"):
            relation = self.node(start, self.match_recognize(relation))
            self._alias(relation)
        return self.node(start, relation)

    def _unaliased(self) -> exp.Expression:
        start = self.index
        lateral = self.accept("LATERAL")
        if self.at("UNNEST", "("):
            return self._unnest(start)
        if self.accept("TABLE"):
            return self._table_function(start, lateral)
        if self.at("("):
            return self._parenthesised_relation(start, lateral)
        if self.at_name() and self._at_function():
            return self._function(start, lateral)
        if lateral:
            raise self.error(expected="TABLE(function(...)), UNNEST(...) or a query in parentheses after LATERAL")
        return self._table()

    def _at_function(self) -> bool:
        index = self.index + 1
        while self.keys[index] == "." and index + 2 < len(self.keys):
            index += 2
        return self.keys[index] == "("

    def _parenthesised_relation(self, start: int, lateral: bool) -> exp.Expression:
        if self.query_ahead(self.index):
            return self.node(start, exp.Subquery(this=self.in_parentheses(self.query), lateral=lateral))
        return self.node(start, exp.Paren(this=self.in_parentheses(self.relations)))

    def _table(self) -> exp.Table:
        start = self.index
        if self.at_type(TokenType.STRING):
            raise self.error(expected="a table", hint="a name is quoted with backticks: `name`; --input reads a file")
        if not self.at_name():
            raise self.error(expected="a table, a query in parentheses or a table function", hint=self.reserved_hint())
        table = self.table_name()
        self.table_hints(table)
        if self.at("FOR", "SYSTEM_TIME"):
            self.expect("FOR", "SYSTEM_TIME", "AS", "OF")
            table.set("version", self.operand())
        return self.node(start, table)

    def _alias(self, relation: exp.Expression) -> None:
        start = self.index
        written = self.accept("AS")
        if not written and not self._at_implicit_alias():
            return
        if isinstance(relation, exp.Paren):
            raise SqlError("syntax error: a join in parentheses takes no alias", span=self.span(self.index))
        if not written:
            self.implicit_alias = self.index
        name = self.name()
        columns = self.names() if self.at("(") else None
        relation.set("alias", self.node(start, exp.TableAlias(this=name, columns=columns)))

    def _at_implicit_alias(self) -> bool:
        if self.key in NEVER_AN_ALIAS:
            return False
        return self.at_name() and self.keys[self.index + 1] not in NOT_AN_ALIAS.get(self.key, ())

    def _unnest(self, start: int) -> Unnest:
        self.expect("UNNEST")
        arrays = self.in_parentheses(lambda: self.comma_list(self.expression))
        ordinality = self.accept("WITH", "ORDINALITY")
        return self.node(start, Unnest(expressions=arrays, ordinality=ordinality))

    # Table functions

    def _table_function(self, start: int, lateral: bool) -> exp.Expression:
        opening = self.index
        if not self.at("("):
            raise self.error(expected='"("', hint="write TABLE(function(...)); a table stands in FROM without TABLE")
        self.take()
        function = self._function(self.index, lateral)
        self.close(opening)
        return self.node(start, function)

    def _function(self, start: int, lateral: bool) -> exp.Expression:
        if self.key in WINDOW_ARGUMENTS and self.keys[self.index + 1] == "(":
            return self._window_table(start)
        if not self._at_function():
            raise self.error(expected="a table function such as TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)")
        namespace = []
        while self.keys[self.index + 1] == ".":
            namespace.append(self.name())
            self.take()
        return self.node(start, TableFunction(this=self.call(start, namespace), lateral=lateral))

    def _window_table(self, start: int) -> WindowTable:
        function, opening = self.take().text.upper(), self.index
        self.expect("(")
        given = [] if self.at(")") else self.comma_list(self.argument)
        arguments = self._named(function, given)
        self.close(opening)
        table, time_column = arguments.pop("data"), arguments.pop("timecol")
        node = WindowTable(function=function, **arguments)
        self._window_input(node, table)
        if not isinstance(time_column, Descriptor) or len(time_column.expressions) != 1:
            raise self._argument_error(
                time_column,
                f"{function} takes its time column as DESCRIPTOR(column)",
                f"write {WINDOW_FORMS[function]}",
            )
        name = time_column.expressions[0]
        column = exp.Column(this=name)
        column.meta.update(name.meta)
        node.set("time_column", column)
        return self.node(start, node)

    def _named(self, function: str, given: list[exp.Expression]) -> dict[str, exp.Expression]:
        """The arguments by their names, whether they were given by position or by name."""
        names = WINDOW_ARGUMENTS[function]
        form = WINDOW_FORMS[function]
        arguments: dict[str, exp.Expression] = {}
        for position, argument in enumerate(given):
            if isinstance(argument, NamedArgument):
                name, value = argument.this.name.lower(), argument.expression
            else:
                name, value = names[position] if position < len(names) else "", argument
            if name not in names or name in arguments:
                raise self._argument_error(argument, f"this is not an argument of {form}, or it is given twice")
            arguments[name] = value
        for name in names:
            if name not in arguments and name != "offset":
                raise SqlError(
                    f"{function} lacks its argument {name.upper()}", span=self.span(self.index), hint=f"write {form}"
                )
        return arguments

    def _window_input(self, node: WindowTable, table: exp.Expression) -> None:
        if isinstance(table, TableArgument):
            node.set("this", table.this)
            if table.args.get("order_by"):
                raise self._argument_error(table, "a window function takes its table without ORDER BY")
            node.set("partition_by", table.args.get("partition_by"))
        elif isinstance(table, exp.Subquery):
            node.set("this", table)
        else:
            function = node.args["function"]
            raise self._argument_error(
                table, f"{function} takes TABLE name or a query in parentheses first", f"write {WINDOW_FORMS[function]}"
            )

    def _argument_error(self, argument: exp.Expression, message: str, hint: str | None = None) -> SqlError:
        place = self.place(argument)
        return SqlError(f"syntax error: {message}", span=place or self.span(self.index), hint=hint)

    def table_argument(self) -> TableArgument:
        start = self.index
        self.expect("TABLE")
        inner = self.index
        if self.at("("):
            relation: exp.Expression = self.node(inner, exp.Subquery(this=self.in_parentheses(self.query)))
        else:
            relation = self._table()
        return self.partitioned(start, relation)

    def partitioned(self, start: int, relation: exp.Expression) -> TableArgument:
        argument = TableArgument(this=relation)
        if self.accept("PARTITION", "BY"):
            argument.set("partition_by", self._partition_keys())
        if self.accept("ORDER", "BY"):
            argument.set("order_by", self._until_next_argument(self.sort_key))
        return self.node(start, argument)

    def _partition_keys(self) -> list[exp.Expression]:
        if self.at("("):
            return self.in_parentheses(lambda: self.comma_list(self.expression))
        return self._until_next_argument(self.expression)

    def _until_next_argument(self, item: Callable[[], Item]) -> list[Item]:
        """Items with commas between, up to a comma after which the next argument of the function stands."""
        items = [item()]
        while self.at(",") and self.keys[self.index + 1] != "DESCRIPTOR" and self.keys[self.index + 2] != "=>":
            self.take()
            items.append(item())
        return items

    # Hints

    def table_hints(self, table: exp.Table) -> None:
        """`/*+ OPTIONS(...) */` after a table's name."""
        if self.at("/*+"):
            table.set("hints", self.hints())

    def hints(self) -> HintList:
        """`/*+ name(arguments), ... */`."""
        start = self.index
        self.expect("/*+")
        items = [self._hint()]
        while not self.at("*/") and not self.at_end:
            self.accept(",")
            items.append(self._hint())
        self.expect("*/")
        return self.node(start, HintList(expressions=items))

    def _hint(self) -> Hint:
        start = self.index
        node = Hint(this=self.name("a hint such as OPTIONS('key'='value')").this.upper())
        if self.at("("):
            node.set("expressions", self.in_parentheses(lambda: self.comma_list(self._hint_argument)))
        return self.node(start, node)

    def _hint_argument(self) -> exp.Expression:
        if self.at_type(TokenType.STRING):
            return self.option() if self.keys[self.index + 1] == "=" else self.string()
        return self.value_literal() or self.name("an option such as 'key'='value', or a name")

    def option(self) -> Option:
        """`'key' = 'value'`."""
        start = self.index
        key = self.string("an option such as 'key' = 'value'")
        self.expect("=")
        return self.node(start, Option(this=key, expression=self.string("the option's value as a string")))

    def options(self) -> list[Option]:
        """`('key' = 'value', ...)`."""
        return self.in_parentheses(lambda: self.comma_list(self.option))
