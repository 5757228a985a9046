"""The grammar of statements and scripts."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from streamsql.errors import NotSupportedYet, SqlError
from streamsql.sql.dialect.parser_expressions import SET_OPERATORS
from streamsql.sql.dialect.parser_tables import CreateGrammar
from streamsql.sql.dialect.statements import (
    Assignment,
    DeleteFrom,
    DescribeTable,
    DropObject,
    Explain,
    InsertInto,
    ResetOption,
    SetOption,
    Show,
    StatementSet,
    UpdateTable,
    UseObject,
)
from streamsql.sql.dialect.words import CLAUSES
from streamsql.sql.syntax_errors import out_of_place

SHOW_LISTS = (
    "TABLES", "VIEWS", "MATERIALIZED VIEWS", "FUNCTIONS", "USER FUNCTIONS", "CATALOGS", "DATABASES", "JOBS",
    "CURRENT CATALOG", "CURRENT DATABASE",
)  # fmt: skip
SHOW_ONE = ("CREATE TABLE", "CREATE VIEW", "COLUMNS")
DROPPABLE = ("TABLE", "VIEW", "MATERIALIZED VIEW", "FUNCTION")
EXPLAIN_DETAILS = ("ESTIMATED_COST", "CHANGELOG_MODE", "JSON_EXECUTION_PLAN", "PLAN_ADVICE")
# Statements of Flink that this dialect leaves out.
LEFT_OUT = frozenset({"ALTER", "ANALYZE", "ADD", "BEGIN", "CALL", "COMPILE", "LOAD", "REMOVE", "STOP", "UNLOAD"})
_INSTEAD = {
    "ALTER": "DROP the table and CREATE it again",
    "BEGIN": "write EXECUTE STATEMENT SET BEGIN ... END;",
}


class StatementGrammar(CreateGrammar):
    """Statements, and scripts of them."""

    def script(self) -> list[exp.Expression]:
        """All statements; empty ones between semicolons are skipped."""
        statements = []
        while not self.at_end:
            if not self.accept(";"):
                statements.append(self._whole_statement())
        return statements

    def lone_expression(self) -> exp.Expression:
        """An expression and nothing else."""
        node = self.expression()
        if not self.at_end:
            raise self.error(keywords=("AND", "OR"))
        return node

    def _whole_statement(self) -> exp.Expression:
        node = self.statement()
        if not self.accept(";") and not self.at_end:
            misspelt = self.misspelt_alias(CLAUSES)
            raise self.error(
                keywords=CLAUSES, hint=None if misspelt else out_of_place(self.key, self.key in STATEMENTS)
            )
        return node

    def statement(self) -> exp.Expression:
        """One statement without its semicolon."""
        if rule := STATEMENTS.get(self.key):
            return rule(self)
        if self.key in LEFT_OUT:
            hint = _INSTEAD.get(self.key)
            raise NotSupportedYet(f"the statement {self.key}", span=self.span(self.index), hint=hint)
        words = (*STATEMENTS, "DESCRIBE")
        raise self.error(expected="a statement such as SELECT, CREATE TABLE or INSERT INTO", keywords=words)

    # Changing data

    def _insert(self) -> InsertInto:
        start = self.index
        self.expect("INSERT")
        overwrite = self.accept("OVERWRITE")
        if not overwrite and not self.accept("INTO"):
            raise self.error(expected="INTO", hint="write INSERT INTO table, or INSERT OVERWRITE table")
        self.accept("TABLE")
        table = self.table_name()
        self.table_hints(table)
        node = InsertInto(this=table, overwrite=overwrite)
        if self.accept("PARTITION"):
            node.set("partition", self.in_parentheses(lambda: self.comma_list(self._assignment)))
        if self.at("(") and not self.query_ahead(self.index):
            node.set("columns", self.names())
        node.set("query", self.query())
        return self.node(start, node)

    def _assignment(self) -> Assignment:
        start, name = self.index, self.name("a column")
        self.expect("=")
        return self.node(start, Assignment(this=name, expression=self.expression()))

    def _update(self) -> UpdateTable:
        start = self.index
        self.expect("UPDATE")
        node = UpdateTable(this=self.table_name())
        self.expect("SET")
        node.set("assignments", self.comma_list(self._assignment))
        if self.accept("WHERE"):
            node.set("where", self.expression())
        return self.node(start, node)

    def _delete(self) -> DeleteFrom:
        start = self.index
        self.expect("DELETE", "FROM")
        node = DeleteFrom(this=self.table_name())
        if self.accept("WHERE"):
            node.set("where", self.expression())
        return self.node(start, node)

    def _truncate(self) -> DeleteFrom:
        """TRUNCATE TABLE t, which is DELETE FROM t."""
        start = self.index
        self.expect("TRUNCATE")
        self.accept("TABLE")
        return self.node(start, DeleteFrom(this=self.table_name()))

    def _statement_set(self) -> StatementSet:
        start = self.index
        self.accept("EXECUTE")
        self.expect("STATEMENT", "SET")
        opening = self.index
        self.expect("BEGIN")
        inserts = []
        while not self.accept("END"):
            if self.at_end:
                raise SqlError(
                    "syntax error: this BEGIN has no END", span=self.span(opening), hint="write END; after the INSERTs"
                )
            if self.accept(";"):
                continue
            if not self.at("INSERT"):
                raise self.error(expected="INSERT or END in a statement set", keywords=("INSERT", "END"))
            inserts.append(self._insert())
            if not self.at("END") and not self.accept(";"):
                raise self.error(keywords=CLAUSES, expected='";" after the INSERT')
        if not inserts:
            raise SqlError("syntax error: a statement set needs an INSERT", span=self.span(opening))
        return self.node(start, StatementSet(expressions=inserts))

    # Settings

    def _set(self) -> SetOption:
        start = self.index
        self.expect("SET")
        if self.at(";") or self.at_end:
            return self.node(start, SetOption())
        key = self._setting()
        self.expect("=")
        return self.node(start, SetOption(this=key, expression=self.string("the value as a string")))

    def _setting(self) -> exp.Literal:
        return self.string("the setting's name as a string")

    def _reset(self) -> ResetOption:
        start = self.index
        self.expect("RESET")
        key = None if self.at(";") or self.at_end else self._setting()
        return self.node(start, ResetOption(this=key))

    # Looking around

    def _show(self) -> Show:
        start = self.index
        self.expect("SHOW")
        for kind in SHOW_ONE:
            if self.accept(*kind.split()):
                if kind == "COLUMNS" and not self.accept("IN"):
                    self.expect("FROM")
                node = Show(kind=kind, this=self.table_name())
                if kind == "COLUMNS":
                    self._like_pattern(node)
                return self.node(start, node)
        kind_found = next((each for each in SHOW_LISTS if self.accept(*each.split())), None)
        if kind_found is None:
            kinds = (*SHOW_LISTS, *SHOW_ONE)
            raise self.error(expected=f"one of {', '.join(kinds)} after SHOW", keywords=kinds)
        node = Show(kind=kind_found)
        self._like_pattern(node)
        return self.node(start, node)

    def _like_pattern(self, node: Show) -> None:
        node.set("negated", self.at("NOT", "LIKE") and self.accept("NOT"))
        if self.accept("LIKE"):
            node.set("like", self.string("a pattern as a string"))

    def _describe(self) -> DescribeTable:
        start = self.index
        self.take()
        extended = self.at_name(1) and self.accept("EXTENDED")
        return self.node(start, DescribeTable(this=self.table_name(), extended=extended))

    def _explain(self) -> Explain:
        start = self.index
        self.expect("EXPLAIN")
        details: list[str] = []
        if self.key in EXPLAIN_DETAILS:
            details = self.comma_list(self._explain_detail)
        elif self.accept("PLAN"):
            self.expect("FOR")
        if self.key == "EXPLAIN":
            raise self.error(expected="a query, an INSERT or a STATEMENT SET to explain")
        return self.node(start, Explain(this=self.statement(), details=details))

    def _explain_detail(self) -> str:
        detail = self.accept_any(*EXPLAIN_DETAILS)
        if detail is None:
            raise self.error(expected=f"one of {', '.join(EXPLAIN_DETAILS)}", keywords=EXPLAIN_DETAILS)
        return detail

    def _drop(self) -> DropObject:
        start = self.index
        self.expect("DROP")
        temporary = self.accept("TEMPORARY")
        self.accept("SYSTEM")
        kind = next((each for each in DROPPABLE if self.accept(*each.split())), None)
        if kind is None and self.accept("MACRO"):
            kind = "FUNCTION"
        if kind is None:
            raise self.error(expected=f"one of {', '.join(DROPPABLE)} after DROP", keywords=DROPPABLE)
        exists = self.accept("IF")
        if exists:
            self.expect("EXISTS")
        return self.node(start, DropObject(kind=kind, this=self.table_name(), temporary=temporary, exists=exists))

    def _use(self) -> UseObject:
        start = self.index
        self.expect("USE")
        if self.at("MODULES"):
            raise NotSupportedYet("USE MODULES", span=self.span(self.index))
        kind = "CATALOG" if self.at_name(1) and self.accept("CATALOG") else "DATABASE"
        return self.node(start, UseObject(kind=kind, this=self.table_name()))

    def _query_statement(self) -> exp.Expression:
        node = self.query()
        if self.key in SET_OPERATORS:
            raise self.error(hint="ORDER BY and LIMIT stand after the last SELECT; put this one in parentheses")
        return node


STATEMENTS: dict[str, Callable[[StatementGrammar], exp.Expression]] = {
    "SELECT": StatementGrammar._query_statement,
    "FROM": StatementGrammar._query_statement,
    "WITH": StatementGrammar._query_statement,
    "VALUES": StatementGrammar._query_statement,
    "TABLE": StatementGrammar._query_statement,
    "(": StatementGrammar._query_statement,
    "CREATE": StatementGrammar.create,
    "INSERT": StatementGrammar._insert,
    "UPDATE": StatementGrammar._update,
    "DELETE": StatementGrammar._delete,
    "TRUNCATE": StatementGrammar._truncate,
    "EXECUTE": StatementGrammar._statement_set,
    "STATEMENT": StatementGrammar._statement_set,
    "SET": StatementGrammar._set,
    "RESET": StatementGrammar._reset,
    "SHOW": StatementGrammar._show,
    "DESCRIBE": StatementGrammar._describe,
    "DESC": StatementGrammar._describe,
    "EXPLAIN": StatementGrammar._explain,
    "DROP": StatementGrammar._drop,
    "USE": StatementGrammar._use,
}
