"""The grammar of CREATE: tables, views, functions."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from streamsql.errors import NotSupportedYet, SqlError
from streamsql.sql.dialect.parser_queries import QueryGrammar
from streamsql.sql.dialect.parser_types import TYPE_WORDS
from streamsql.sql.dialect.statements import (
    ComputedColumn,
    CreateFunction,
    CreateTable,
    CreateView,
    LikeClause,
    LikeOption,
    MetadataColumn,
    Parameter,
    PhysicalColumn,
    PrimaryKey,
    Watermark,
)

CREATABLE = ("TABLE", "VIEW", "MATERIALIZED VIEW", "FUNCTION", "TEMPORARY")
LIKE_ACTIONS = ("INCLUDING", "EXCLUDING", "OVERWRITING")
LIKE_SUBJECTS = ("ALL", "CONSTRAINTS", "DISTRIBUTION", "GENERATED", "METADATA", "OPTIONS", "PARTITIONS", "WATERMARKS")
AFTER_COLUMNS = ("COMMENT", "PARTITIONED BY", "WITH", "LIKE", "AS")


class CreateGrammar(QueryGrammar):
    """CREATE statements."""

    def create(self) -> exp.Expression:
        """CREATE ..."""
        start = self.index
        self.expect("CREATE")
        if self.at("OR"):
            raise NotSupportedYet(
                "CREATE OR REPLACE", span=self.span(self.index), hint="write DROP ... IF EXISTS before it"
            )
        temporary = self.accept("TEMPORARY")
        if self.accept("TABLE"):
            return self.node(start, self._create_table(temporary))
        if self.accept("MATERIALIZED"):
            self.expect("VIEW")
            return self.node(start, self._create_view(temporary, materialized=True))
        if self.accept("VIEW"):
            return self.node(start, self._create_view(temporary, materialized=False))
        system = self.accept("SYSTEM")
        if self.accept_any("FUNCTION", "MACRO"):
            return self.node(start, self._create_function(temporary, system))
        if self.key in ("CATALOG", "DATABASE", "MODEL", "CONNECTION"):
            raise NotSupportedYet(f"CREATE {self.key}", span=self.span(self.index))
        raise self.error(expected="TABLE, VIEW, MATERIALIZED VIEW or FUNCTION after CREATE", keywords=CREATABLE)

    def _if_not_exists(self) -> bool:
        if not self.accept("IF"):
            return False
        self.expect("NOT", "EXISTS")
        return True

    # CREATE TABLE

    def _create_table(self, temporary: bool) -> CreateTable:
        node = CreateTable(temporary=temporary, exists=self._if_not_exists())
        node.set("this", self.table_name())
        if self.at("("):
            self._table_elements(node)
        self._table_clauses(node)
        return node

    def _table_elements(self, node: CreateTable) -> None:
        opening = self.index
        self.expect("(")
        while True:
            self._table_element(node)
            if not self.accept(","):
                break
            if self.at(")"):
                raise self.error(expected="a column", hint='remove the "," after the last column')
        if not self.at(")"):
            self._column_end_error(opening)
        self.close(opening)

    def _column_end_error(self, opening: int) -> None:
        if self.at_name() or self.at("PRIMARY"):
            words = ("METADATA", "COMMENT", "NOT NULL", "PRIMARY KEY", "VIRTUAL")
            hint = None if self._near_miss(words) else 'a "," may be missing before it'
            raise self.error(expected='"," or ")" after the column', hint=hint, keywords=words)
        self.close(opening)

    def _table_element(self, node: CreateTable) -> None:
        start = self.index
        if self.at("WATERMARK") and not self._at_column():
            node.append("watermarks", self._watermark())
        elif self.at("PRIMARY", "KEY") or self.at("CONSTRAINT"):
            if node.args.get("primary_key"):
                raise SqlError("syntax error: a table has one primary key", span=self.span(start))
            node.set("primary_key", self._primary_key())
        else:
            node.append("columns", self._column())

    def _at_column(self) -> bool:
        """A column's name comes next, not a clause that starts with the same word."""
        following = self.keys[self.index + 1]
        return following == "AS" or (following in TYPE_WORDS and not self.at("WATERMARK", "FOR"))

    def _watermark(self) -> Watermark:
        start = self.index
        self.expect("WATERMARK", "FOR")
        column = self._path()
        self.expect("AS")
        return self.node(start, Watermark(this=column, expression=self.expression()))

    def _primary_key(self) -> PrimaryKey:
        start = self.index
        name = self.name() if self.accept("CONSTRAINT") else None
        self.expect("PRIMARY", "KEY")
        columns = self.names()
        self._not_enforced()
        return self.node(start, PrimaryKey(expressions=columns, name=name))

    def _not_enforced(self) -> None:
        if not self.accept("NOT", "ENFORCED"):
            raise self.error(
                expected="NOT ENFORCED after PRIMARY KEY", hint="a stream's key is declared, not checked: NOT ENFORCED"
            )

    def _column(self) -> exp.Expression:
        start = self.index
        if not self.at_name():
            raise self.error(expected="a column, WATERMARK FOR or PRIMARY KEY", hint=self.quoting_hint())
        name = self.name()
        if self.accept("AS"):
            computed = ComputedColumn(this=name, expression=self.expression())
            return self.node(start, self._with_comment(computed))
        if self.key in (",", ")"):
            return self.node(start, PhysicalColumn(this=name))
        data_type = self.type_name()
        if self.accept("METADATA"):
            key = self.string("the metadata key as a string") if self.accept("FROM") else None
            column = MetadataColumn(this=name, data_type=data_type, key=key, virtual=self.accept("VIRTUAL"))
            return self.node(start, self._with_comment(column))
        physical = PhysicalColumn(this=name, data_type=data_type)
        if self.accept("PRIMARY"):
            self.expect("KEY")
            self._not_enforced()
            physical.set("primary_key", True)
        return self.node(start, self._with_comment(physical))

    def _with_comment(self, node: exp.Expression) -> exp.Expression:
        if self.accept("COMMENT"):
            node.set("comment", self.string("the comment as a string"))
        return node

    def _table_clauses(self, node: CreateTable) -> None:
        self._with_comment(node)
        if self.accept("PARTITIONED"):
            self.expect("BY")
            node.set("partitioned_by", self.names())
        if self.accept("WITH"):
            node.set("options", self.options())
        if self.at("LIKE"):
            node.set("like", self._like_clause())
        if self.accept("AS"):
            node.set("query", self.query())
        else:
            self._refuse_untyped(node)
        if not node.args.get("columns") and not node.args.get("like") and not node.args.get("query"):
            if node.args.get("options") or self.at(";") or self.at_end:
                return
            raise self.error(expected='"(" and the columns', keywords=AFTER_COLUMNS)

    def _refuse_untyped(self, node: CreateTable) -> None:
        for each in node.args.get("columns") or ():
            if isinstance(each, PhysicalColumn) and each.args.get("data_type") is None:
                hint = f"write {each.this.name} and its type, such as STRING"
                raise SqlError(f"syntax error: column {each.this.name} has no type", span=self.place(each), hint=hint)

    def _like_clause(self) -> LikeClause:
        start = self.index
        self.expect("LIKE")
        node = LikeClause(this=self.table_name())
        if self.at("("):
            node.set("expressions", self.in_parentheses(self._like_options))
        return self.node(start, node)

    def _like_options(self) -> list[LikeOption]:
        options = []
        while not self.at(")") and not self.at_end:
            start = self.index
            action = self.accept_any(*LIKE_ACTIONS)
            subject = self.accept_any(*LIKE_SUBJECTS) if action else None
            if action is None or subject is None:
                words = LIKE_SUBJECTS if action else LIKE_ACTIONS
                raise self.error(expected=f"one of {', '.join(words)}", keywords=words)
            options.append(self.node(start, LikeOption(action=action, this=subject)))
        return options

    # CREATE VIEW and CREATE FUNCTION

    def _create_view(self, temporary: bool, materialized: bool) -> CreateView:
        node = CreateView(temporary=temporary, materialized=materialized, exists=self._if_not_exists())
        node.set("this", self.table_name())
        if self.at("("):
            node.set("columns", self.names())
        self._with_comment(node)
        self.expect("AS")
        node.set("query", self.query())
        return node

    def _create_function(self, temporary: bool, system: bool) -> CreateFunction:
        node = CreateFunction(temporary=temporary, system=system, exists=self._if_not_exists())
        node.set("this", self.table_name())
        if self.at("("):
            node.set("parameters", self._parameters())
        if self.accept("RETURNS"):
            node.set("returns", self.type_name())
        self._language(node)
        is_macro = node.args.get("parameters") is not None or node.args.get("returns") is not None
        if self.accept("RETURN"):
            node.set("body", self.expression())
        else:
            self.expect("AS")
            as_class = not is_macro and self.at_type(TokenType.STRING)
            node.set("class_name" if as_class else "body", self.string() if as_class else self.expression())
        self._language(node)
        return node

    def _language(self, node: CreateFunction) -> None:
        if self.accept("LANGUAGE"):
            node.set("language", self.name("a language such as SQL or PYTHON").this.upper())

    def _parameters(self) -> list[Parameter]:
        if self.accept("(", ")"):
            return []
        return self.in_parentheses(lambda: self.comma_list(self._parameter))

    def _parameter(self) -> Parameter:
        start, name = self.index, self.name("a parameter")
        untyped = self.key in (",", ")")
        return self.node(start, Parameter(this=name, data_type=None if untyped else self.type_name()))
