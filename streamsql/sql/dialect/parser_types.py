"""The grammar of types, intervals and other literals that keywords introduce."""

from __future__ import annotations

import re

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from streamsql.errors import SqlError
from streamsql.sql.dialect.cursor import Cursor
from streamsql.sql.dialect.nodes import FieldType, IntervalLiteral, Symbol, TypedLiteral, TypeName
from streamsql.sql.dialect.words import INTERVAL_UNITS, TIME_UNITS
from streamsql.sql.syntax_errors import misspelt, unclosed

SYNONYMS = {
    "INTEGER": "INT", "NUMERIC": "DECIMAL", "DEC": "DECIMAL", "STRING": "VARCHAR", "BYTES": "VARBINARY",
    "CHARACTER": "CHAR",
}  # fmt: skip
VARYING = {"CHAR": "VARCHAR", "BINARY": "VARBINARY"}
PLAIN_TYPES = frozenset({"BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DATE"})
DEFAULT_LENGTH = {"CHAR": 1, "BINARY": 1, "VARCHAR": None, "VARBINARY": None}
DEFAULT_DECIMAL = (10, 0)
DEFAULT_TIME_PRECISION = {"TIME": 0, "TIMESTAMP": 6, "TIMESTAMP_LTZ": 6}
COLLECTIONS = {"ARRAY": 1, "MULTISET": 1, "MAP": 2}
TYPE_WORDS = (
    *PLAIN_TYPES, *SYNONYMS, *DEFAULT_LENGTH, *DEFAULT_TIME_PRECISION, *COLLECTIONS,
    "DECIMAL", "DOUBLE", "ROW", "INTERVAL",
)  # fmt: skip
FOREIGN_TYPES = {
    "TEXT": "STRING", "LONG": "BIGINT", "SHORT": "SMALLINT", "BOOL": "BOOLEAN", "REAL": "FLOAT", "FLOAT8": "DOUBLE",
    "FLOAT4": "FLOAT", "INT8": "BIGINT", "INT4": "INT", "INT2": "SMALLINT", "BLOB": "BYTES", "DATETIME": "TIMESTAMP(3)",
    "TIMESTAMPTZ": "TIMESTAMP_LTZ(3)", "STRUCT": "ROW<name TYPE, ...>", "BYTEA": "BYTES", "JSON": "STRING",
    "JSONB": "STRING", "UUID": "STRING", "ENUM": "STRING", "NVARCHAR": "STRING", "INT64": "BIGINT", "INT32": "INT",
    "INT16": "SMALLINT", "FLOAT64": "DOUBLE", "FLOAT32": "FLOAT", "UTINYINT": "SMALLINT", "USMALLINT": "INT",
    "UINTEGER": "BIGINT", "UINT": "BIGINT", "UBIGINT": "DECIMAL(20, 0)", "HUGEINT": "DECIMAL(38, 0)",
    "NUMBER": "DECIMAL(p, s)", "LIST": "ARRAY<element>", "BYTE": "TINYINT", "VARIANT": "STRING with JSON in it",
}  # fmt: skip
KNOWN_TYPES = (
    "types are BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, DECIMAL(p, s), FLOAT, DOUBLE, CHAR(n), VARCHAR(n), STRING, "
    "BINARY(n), VARBINARY(n), BYTES, DATE, TIME(p), TIMESTAMP(p), TIMESTAMP_LTZ(p), INTERVAL DAY TO SECOND, "
    "INTERVAL YEAR TO MONTH, ARRAY<t>, MAP<k, v>, MULTISET<t>, ROW<name t, ...>"
)
MONTH_UNITS = ("YEAR", "QUARTER", "MONTH")


class TypeGrammar(Cursor):
    """Types, typed literals and intervals."""

    def type_name(self) -> TypeName:
        """A type with its nullability; `T ARRAY` and `T MULTISET` are read too."""
        start = self.index
        node = self._bare_type()
        node.set("not_null", self._not_null())
        node = self.node(start, node)
        if self.at("["):
            raise self.error(hint=f"write ARRAY<{self.text[self.span(start).start : self.span(start).end]}>")
        while suffix := self.accept_any("ARRAY", "MULTISET"):
            node = TypeName(this=suffix, expressions=[node])
            node.set("not_null", self._not_null())
            node = self.node(start, node)
        return node

    def _not_null(self) -> bool:
        if self.accept("NOT", "NULL"):
            return True
        # NULL ON EMPTY may follow the type that a JSON function returns.
        if not self.at("NULL", "ON"):
            self.accept("NULL")
        return False

    def _bare_type(self) -> TypeName:
        word = SYNONYMS.get(self.key, self.key)
        if word in PLAIN_TYPES:
            return self._plain_type(word)
        if word in DEFAULT_LENGTH:
            return self._length_type(word)
        if word in DEFAULT_TIME_PRECISION:
            return self._time_type(word)
        if word in COLLECTIONS:
            return self._collection_type(word)
        match word:
            case "DECIMAL":
                return self._decimal_type()
            case "DOUBLE":
                self.take()
                self.accept("PRECISION")
                return TypeName(this="DOUBLE")
            case "ROW":
                return self._row_type()
            case "INTERVAL":
                return self._interval_type()
        hint = f"write {FOREIGN_TYPES[word]}" if word in FOREIGN_TYPES else misspelt(word, TYPE_WORDS)
        raise self.error(expected="a type", hint=hint or KNOWN_TYPES)

    def _plain_type(self, word: str) -> TypeName:
        name = self.take().text
        if self.at("("):
            raise self.error(hint=f"write {name.upper()}: it has no length")
        if self.at("UNSIGNED"):
            raise self.error(hint="there are no unsigned types: write the next wider one")
        return TypeName(this=word)

    def _length_type(self, word: str) -> TypeName:
        fixed_by_name = self.take().text.upper() in ("STRING", "BYTES")
        if word in VARYING and self.accept("VARYING"):
            word = VARYING[word]
        length = DEFAULT_LENGTH[word]
        if not fixed_by_name and self.at("("):
            length = self.in_parentheses(lambda: self._in_range("length", 1, 2**31 - 1))
        return TypeName(this=word, precision=length)

    def _decimal_type(self) -> TypeName:
        self.take()
        precision, scale = DEFAULT_DECIMAL
        opening = self.index
        if self.accept("("):
            precision, scale = self._in_range("precision", 1, 38), 0
            if self.accept(","):
                scale = self._in_range("scale", 0, precision)
            self.close(opening)
        return TypeName(this="DECIMAL", precision=precision, scale=scale)

    def _time_type(self, word: str) -> TypeName:
        self.take()
        precision = DEFAULT_TIME_PRECISION[word]
        if self.at("("):
            precision = self.in_parentheses(lambda: self._in_range("precision", 0, 9))
        if self.accept("WITH", "LOCAL", "TIME", "ZONE"):
            return TypeName(this="TIMESTAMP_LTZ", precision=precision)
        if self.at("WITH", "TIME", "ZONE"):
            raise self.error(hint="write TIMESTAMP_LTZ(3), a point in time, or TIMESTAMP(3), a date and time of day")
        if self.at("WITHOUT"):
            self.expect("WITHOUT", "TIME", "ZONE")
        return TypeName(this=word, precision=precision)

    def _in_range(self, what: str, low: int, high: int) -> int:
        start = self.index
        value = self.integer(f"a {what}")
        if not low <= value <= high:
            raise SqlError(f"this {what} must lie from {low} to {high}", span=self.span(start))
        return value

    def _collection_type(self, word: str) -> TypeName:
        self.take()
        opening = self.index
        form = "MAP<key, value>" if word == "MAP" else f"{word}<element>"
        if not self.accept("<"):
            raise self.error(hint=f"write {form}")
        children = self.comma_list(self.type_name)
        self.close_angle(opening)
        if len(children) != COLLECTIONS[word]:
            raise SqlError(f"{word} takes {COLLECTIONS[word]} types: {form}", span=self.span(opening, self.index))
        return TypeName(this=word, expressions=children)

    def close_angle(self, opening: int) -> None:
        """Take the ">" that closes the "<" at token `opening`."""
        if not self.accept(">"):
            raise unclosed(self.text, self.span(opening), self.found(), self.span(self.index))

    def _row_type(self) -> TypeName:
        self.take()
        opening = self.index
        if self.at("("):
            return TypeName(this="ROW", expressions=self.in_parentheses(lambda: self.comma_list(self._field)))
        self.expect("<")
        fields = self.comma_list(self._field)
        self.close_angle(opening)
        return TypeName(this="ROW", expressions=fields)

    def _field(self) -> FieldType:
        start = self.index
        name, data_type = self.field_name(), self.type_name()
        comment = self.string("a comment") if self.at_type(TokenType.STRING) else None
        return self.node(start, FieldType(this=name, data_type=data_type, comment=comment))

    def _interval_type(self) -> TypeName:
        self.take()
        unit, _, to, _ = self._interval_qualifier()
        kind = "INTERVAL YEAR TO MONTH" if unit in MONTH_UNITS else "INTERVAL DAY TO SECOND"
        return TypeName(this=kind, unit=unit if to is None else None)

    # Literals

    def interval(self) -> IntervalLiteral:
        """INTERVAL [+|-] 'text' unit[(n)] [TO unit[(n)]]."""
        start = self.index
        self.expect("INTERVAL")
        sign = self.accept_any("-", "+")
        if self.at_type(TokenType.NUMBER):
            unit = self.keys[self.index + 1] if self.keys[self.index + 1] in TIME_UNITS else "MINUTE"
            raise self.error(expected="a string", hint=f"write INTERVAL '{self.token.text}' {unit}")
        text = self.string("the length of the interval as a string")
        if counted := re.fullmatch(r"\s*(-?[\d.]+)\s+([A-Za-z]+)\s*", text.this):
            number, word = counted.groups()
            hint = f"write INTERVAL '{number}' {word.upper().removesuffix('S')}"
            raise SqlError(
                f"the unit of an interval stands behind its text: {text.this!r}", span=self.span(start), hint=hint
            )
        unit, precision, to, fraction = self._interval_qualifier()
        literal = IntervalLiteral(
            this=text, unit=unit, negative=sign == "-", precision=precision, to=to, fraction=fraction
        )
        return self.node(start, literal)

    def _interval_qualifier(self) -> tuple[str, int | None, str | None, int | None]:
        unit, precision = self._interval_unit(), None
        if self.at("("):
            opening = self.index
            self.expect("(")
            precision = self.integer("a precision")
            fraction = self.integer("a precision") if unit == "SECOND" and self.accept(",") else None
            self.close(opening)
            if fraction is not None:
                return unit, precision, None, fraction
        if not self.accept("TO"):
            return unit, precision, None, None
        start = self.index
        to = self._interval_unit()
        months = (unit in MONTH_UNITS, to in MONTH_UNITS)
        if INTERVAL_UNITS.index(to) <= INTERVAL_UNITS.index(unit) or months[0] != months[1]:
            raise SqlError(f"an interval cannot run from {unit} to {to}", span=self.span(start))
        fraction = self.in_parentheses(lambda: self.integer("a precision")) if self.at("(") else None
        return unit, precision, to, fraction

    def _interval_unit(self) -> str:
        singular = self.key.removesuffix("S")
        if singular not in INTERVAL_UNITS:
            raise self.error(expected="a unit of time such as SECOND or DAY", keywords=INTERVAL_UNITS)
        self.take()
        return singular

    def time_unit(self) -> Symbol:
        """A unit for EXTRACT, FLOOR, TIMESTAMPADD and the like."""
        start, unit = self.index, self.key.removeprefix("SQL_TSI_")
        unit = unit if unit in TIME_UNITS else unit.removesuffix("S")
        if unit not in TIME_UNITS:
            raise self.error(expected="a unit of time such as SECOND or DAY", keywords=tuple(TIME_UNITS))
        self.take()
        return self.node(start, Symbol(this=unit))

    def typed_literal(self) -> TypedLiteral:
        """DATE '...', TIME '...' or TIMESTAMP '...'."""
        start, kind = self.index, self.take().text.upper()
        return self.node(start, TypedLiteral(this=self.string(), kind=kind))

    def value_literal(self) -> exp.Expression | None:
        """A number, string, hexadecimal string, TRUE, FALSE or NULL, if one comes next."""
        start, token = self.index, self.token
        match token.token_type, self.key:
            case (TokenType.NUMBER, _):
                node: exp.Expression = exp.Literal(this=token.text, is_string=False)
            case (TokenType.STRING, _):
                node = exp.Literal.string(token.text)
            case (TokenType.HEX_STRING, _):
                node = exp.HexString(this=token.text)
            case (_, "TRUE" | "FALSE"):
                node = exp.Boolean(this=self.key == "TRUE")
            case (_, "NULL"):
                node = exp.Null()
            case _:
                return None
        self.take()
        return self.node(start, node)
