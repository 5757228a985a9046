"""The grammar of queries: SELECT, VALUES, set operations, WITH, ORDER BY, LIMIT, EMIT."""

from __future__ import annotations

from sqlglot import exp

from streamsql.errors import SqlError
from streamsql.sql.dialect.nodes import Emit, NamedWindow, TableQuery, ValuesQuery
from streamsql.sql.dialect.parser_relations import RelationGrammar
from streamsql.sql.dialect.words import QUERY_STARTS

SET_OPERATIONS: dict[str, type[exp.SetOperation]] = {"UNION": exp.Union, "EXCEPT": exp.Except}
EMIT_MODES = ("FINAL", "ON WINDOW CLOSE", "CHANGES", "EVERY INTERVAL", "WHEN")
ACCUMULATIONS = ("RETRACTING", "ACCUMULATING", "DISCARDING")


class QueryGrammar(RelationGrammar):
    """Queries."""

    def query(self) -> exp.Expression:
        start = self.index
        ctes = self._with() if self.at("WITH") else None
        node = self._set_operations()
        if self.at("ORDER"):
            order = self.index
            node.set("order", self.node(order, exp.Order(expressions=self.order_by())))
        self._limits(node)
        if self.at("EMIT"):
            self._emit_at_end(node)
        if ctes is not None:
            node.set("with_", ctes)
        return self.node(start, node)

    def _with(self) -> exp.With:
        start = self.index
        self.expect("WITH")
        recursive = self.accept("RECURSIVE")
        return self.node(start, exp.With(expressions=self.comma_list(self._cte), recursive=recursive))

    def _cte(self) -> exp.CTE:
        start, name = self.index, self.name()
        columns = self.names() if self.at("(") else None
        alias = self.node(start, exp.TableAlias(this=name, columns=columns))
        self.expect("AS")
        materialized = None if self.at("(") else not self.accept("NOT")
        if materialized is not None:
            self.expect("MATERIALIZED")
        query = self.in_parentheses(self.query)
        return self.node(start, exp.CTE(this=query, alias=alias, materialized=materialized))

    # Set operations: INTERSECT binds stronger

    def _set_operations(self) -> exp.Expression:
        start, left = self.index, self._intersections()
        while operation := SET_OPERATIONS.get(self.key):
            self.take()
            distinct = not self._all()
            right = self._intersections()
            left = self.node(start, operation(this=left, expression=right, distinct=distinct))
        return left

    def _intersections(self) -> exp.Expression:
        start, left = self.index, self._query_primary()
        while self.accept("INTERSECT"):
            distinct = not self._all()
            right = self._query_primary()
            left = self.node(start, exp.Intersect(this=left, expression=right, distinct=distinct))
        return left

    def _all(self) -> bool:
        return self.accept_any("ALL", "DISTINCT") == "ALL"

    def _query_primary(self) -> exp.Expression:
        start = self.index
        match self.key:
            case "SELECT":
                return self._select()
            case "FROM":
                return self._from_first()
            case "VALUES":
                self.take()
                return self.node(start, ValuesQuery(expressions=self.comma_list(self._values_row)))
            case "TABLE":
                self.take()
                return self.node(start, TableQuery(this=self.table_name()))
            case "(":
                return self.node(start, exp.Subquery(this=self.in_parentheses(self.query)))
        words = ("SELECT", "VALUES", "WITH")
        raise self.error(expected="a query (SELECT, VALUES or WITH)", keywords=words)

    def _values_row(self) -> exp.Tuple:
        start = self.index
        self.accept("ROW")
        if self.at("("):
            return self.node(
                start, exp.Tuple(expressions=self.in_parentheses(lambda: self.comma_list(self.expression)))
            )
        return self.node(start, exp.Tuple(expressions=[self.expression()]))

    # SELECT

    def _select(self) -> exp.Select:
        start = self.index
        self.expect("SELECT")
        node = exp.Select()
        if self.at("/*+"):
            node.set("hint", self.hints())
        distinct = self.index
        if self.accept("DISTINCT"):
            on = self.in_parentheses(lambda: self.comma_list(self.expression)) if self.accept("ON") else None
            node.set("distinct", self.node(distinct, exp.Distinct(on=on and exp.Tuple(expressions=on))))
        else:
            self.accept("ALL")
        node.set("expressions", self.comma_list(self._select_item))
        clause = self.index
        if self.accept("FROM"):
            node.set("from_", self.node(clause, exp.From(this=self.relations())))
        self._filters(node)
        if self.at("EMIT"):
            node.set("emit", self._emit())
        return self.node(start, node)

    def _from_first(self) -> exp.Select:
        """`FROM t SELECT …`, or `FROM t` for all columns, with what else a SELECT has behind it."""
        start = self.index
        self.expect("FROM")
        source = self.node(start, exp.From(this=self.relations()))
        if not self.at("SELECT"):
            node = exp.Select(expressions=[self.node(start, exp.Star())], from_=source)
            self._filters(node)
            return self.node(start, node)
        node = self._select()
        if node.args.get("from_") is not None:
            raise SqlError("syntax error: this SELECT has two FROM", span=self.place(node.args["from_"]))
        node.set("from_", source)
        return self.node(start, node)

    def _star(self) -> exp.Star:
        """`*`, and which of its columns it leaves out, replaces or renames."""
        start = self.index
        self.expect("*")
        node = exp.Star()
        names = self.keys[self.index + 1] == "(" and self.keys[self.index + 2] not in (*QUERY_STARTS, "(")
        if (self.at("EXCLUDE") or (self.at("EXCEPT") and names)) and self.take():
            node.set("except_", self.names() if self.at("(") else [self.name("a column")])
        if self.at("REPLACE", "(") and self.take():
            node.set("replace", self.in_parentheses(lambda: self.comma_list(self._named_expression)))
        if self.at("RENAME", "(") and self.take():
            node.set("rename", self.in_parentheses(lambda: self.comma_list(self._named_expression)))
        return self.node(start, node)

    def _named_expression(self) -> exp.Alias:
        start, value = self.index, self.expression()
        self.expect("AS")
        return self.node(start, exp.Alias(this=value, alias=self.name()))

    def _select_item(self) -> exp.Expression:
        start = self.index
        if self.at("*"):
            return self._star()
        if self.at("FROM"):
            comma = self.index and self.keys[self.index - 1] == ","
            hint = "there is a comma too many before it" if comma else "name the columns to select, or * for all"
            raise self.error(expected="an expression", hint=hint)
        value = self.expression()
        if self.accept("."):
            return self._qualified_star(start, value)
        if self.accept("AS"):
            return self.node(start, exp.Alias(this=value, alias=self.name()))
        if self._at_implicit_alias():
            self.implicit_alias = self.index
            return self.node(start, exp.Alias(this=value, alias=self.name()))
        return value

    def _qualified_star(self, start: int, value: exp.Expression) -> exp.Expression:
        node = self._star()
        if isinstance(value, exp.Column):
            qualifiers = dict(zip(("table", "db", "catalog"), reversed(value.parts), strict=False))
            return self.node(start, exp.Column(this=node, **qualifiers))
        return self.node(start, exp.Dot(this=value, expression=node))

    def _filters(self, node: exp.Select) -> None:
        clause = self.index
        if self.accept("WHERE"):
            node.set("where", self.node(clause, exp.Where(this=self.expression())))
        clause = self.index
        if self.accept("GROUP"):
            self.expect("BY")
            group = exp.Group(all=True) if self.accept("ALL") else None
            group = group or exp.Group(expressions=self.comma_list(self._group_item))
            node.set("group", self.node(clause, group))
        clause = self.index
        if self.accept("HAVING"):
            node.set("having", self.node(clause, exp.Having(this=self.expression())))
        if self.at("WINDOW"):
            node.set("windows", self._windows())
        clause = self.index
        if self.accept("QUALIFY"):
            node.set("qualify", self.node(clause, exp.Qualify(this=self.expression())))
        if self.at("WINDOW") and not node.args.get("windows"):
            node.set("windows", self._windows())

    def _windows(self) -> list[NamedWindow]:
        self.expect("WINDOW")
        return self.comma_list(self._named_window)

    def _named_window(self) -> NamedWindow:
        start, name = self.index, self.name("a window's name")
        self.expect("AS")
        return self.node(start, NamedWindow(this=name, spec=self.window_spec()))

    def _group_item(self) -> exp.Expression:
        start = self.index
        if self.accept("GROUPING", "SETS"):
            sets = self.in_parentheses(lambda: self.comma_list(self._grouping_set))
            return self.node(start, exp.GroupingSets(expressions=sets))
        for word, kind in (("ROLLUP", exp.Rollup), ("CUBE", exp.Cube)):
            if self.accept(word):
                items = self.in_parentheses(lambda: self.comma_list(self.expression))
                return self.node(start, kind(expressions=items))
        if self.accept("(", ")"):
            return self.node(start, exp.Tuple())
        return self.expression()

    def _grouping_set(self) -> exp.Expression:
        start, item = self.index, self._group_item()
        return self.node(start, exp.Tuple(expressions=[item.this])) if isinstance(item, exp.Paren) else item

    # LIMIT and EMIT

    def _limits(self, node: exp.Expression) -> None:
        clause = self.index
        if self.accept("LIMIT") and not self.accept("ALL"):
            node.set("limit", self.node(clause, exp.Limit(expression=self.expression())))
        clause = self.index
        if self.accept("OFFSET"):
            amount = self.expression()
            self.accept_any("ROW", "ROWS")
            node.set("offset", self.node(clause, exp.Offset(expression=amount)))
        clause = self.index
        if self.accept("FETCH"):
            if node.args.get("limit"):
                raise SqlError("syntax error: LIMIT and FETCH say the same; write one", span=self.span(clause))
            amount = self._fetch()
            ties = not self.accept("ONLY")
            if ties and not self.accept("WITH", "TIES"):
                raise self.error(expected="ONLY or WITH TIES", keywords=("ONLY", "WITH TIES"))
            node.set("limit", self.node(clause, exp.Limit(expression=amount, limit_options=ties or None)))

    def _fetch(self) -> exp.Expression:
        if not self.accept_any("FIRST", "NEXT"):
            raise self.error(expected="FIRST", hint="write FETCH FIRST n ROWS ONLY, or LIMIT n")
        amount = exp.Literal.number(1) if self.key in ("ROW", "ROWS") else self.expression()
        if not self.accept_any("ROW", "ROWS"):
            raise self.error(expected="ROWS ONLY")
        return amount

    def _emit_at_end(self, node: exp.Expression) -> None:
        if not isinstance(node, exp.Select) or node.args.get("emit"):
            raise SqlError(
                "syntax error: EMIT belongs to one SELECT, and to each only once",
                span=self.span(self.index),
                hint="write it at the end of the SELECT whose aggregate it governs",
            )
        node.set("emit", self._emit())

    def _emit(self) -> Emit:
        start = self.index
        self.expect("EMIT")
        node = self._emit_mode()
        while self.key in ("ALLOWED", *ACCUMULATIONS):
            key = "lateness" if self.at("ALLOWED") else "accumulation"
            if node.args.get(key):
                raise SqlError(f"syntax error: EMIT has its {key} twice", span=self.span(self.index))
            if self.accept("ALLOWED"):
                self.expect("LATENESS")
                node.set(key, self.interval())
            else:
                node.set(key, self.take().text.upper())
        return self.node(start, node)

    def _emit_mode(self) -> Emit:
        if self.accept("FINAL") or self.accept("ON", "WINDOW", "CLOSE"):
            return Emit(mode="FINAL")
        if self.accept("CHANGES"):
            return Emit(mode="CHANGES")
        if self.accept("WHEN"):
            return Emit(mode="WHEN", condition=self.expression())
        if not self.accept("EVERY"):
            raise self.error(expected=f"one of {', '.join(EMIT_MODES)} after EMIT", keywords=EMIT_MODES)
        every = self.interval()
        self.expect("ON")
        for mode in ("EVENT TIME", "PROCESSING TIME"):
            if self.accept(*mode.split()):
                return Emit(mode=mode, every=every)
        raise self.error(expected="EVENT TIME or PROCESSING TIME", keywords=("EVENT TIME", "PROCESSING TIME"))
