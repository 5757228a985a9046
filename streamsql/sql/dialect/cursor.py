"""The parser's place in the tokens: looking, taking, marking spans, failing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from streamsql.errors import Span, SqlError
from streamsql.sql.dialect.words import CLAUSES, RESERVED, STRUCTURAL
from streamsql.sql.syntax_errors import ELSEWHERE, END_OF_TEXT, advice, misspelt, unclosed, unexpected

Node = TypeVar("Node", bound=exp.Expression)
Item = TypeVar("Item")

_SPAN = "span"
_VALUES = frozenset({TokenType.STRING, TokenType.NUMBER, TokenType.IDENTIFIER, TokenType.HEX_STRING})


class Cursor:
    """Walks over tokens. `keys` are what the grammar compares with: upper-case words and symbols, "" for values."""

    def __init__(self, tokens: list[Token], text: str) -> None:
        self.text = text
        end = tokens[-1].end + 1 if tokens else 0
        self.tokens = [*tokens, Token(TokenType.SENTINEL, "", start=end, end=end - 1)]
        self.keys = ["" if token.token_type in _VALUES else token.text.upper() for token in self.tokens]
        # So that the grammar may look two tokens ahead without asking.
        self.keys += ["", ""]
        self.index = 0
        # Where a name was taken that might be a misspelt keyword: an alias without AS, a window to build on.
        self.implicit_alias = -1

    # Looking and taking

    @property
    def token(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.index]

    @property
    def key(self) -> str:
        """What the grammar compares the next token with."""
        return self.keys[self.index]

    @property
    def at_end(self) -> bool:
        """No token is left."""
        return self.token.token_type == TokenType.SENTINEL

    def at(self, *keys: str) -> bool:
        """The next tokens are these, one after another."""
        return self.keys[self.index : self.index + len(keys)] == list(keys)

    def accept(self, *keys: str) -> bool:
        """Take these tokens if they come next."""
        if not self.at(*keys):
            return False
        self.index += len(keys)
        return True

    def accept_any(self, *keys: str) -> str | None:
        """Take the next token if it is one of these."""
        if self.key not in keys:
            return None
        self.index += 1
        return self.keys[self.index - 1]

    def expect(self, *keys: str) -> None:
        """Take these tokens, or fail."""
        for position, key in enumerate(keys):
            if not self.accept(key):
                word = key if key[0].isalpha() else f'"{key}"'
                after = f" after {keys[position - 1]}" if position else ""
                raise self.error(expected=word + after, keywords=keys[position:])

    def at_type(self, *types: TokenType) -> bool:
        """The next token has one of these types."""
        return self.token.token_type in types

    def take(self) -> Token:
        """The next token, whatever it is."""
        self.index += 1
        return self.tokens[self.index - 1]

    # Lists and brackets

    def comma_list(self, item: Callable[[], Item]) -> list[Item]:
        """One or more items with commas between."""
        items = [item()]
        while self.accept(","):
            items.append(item())
        return items

    def in_parentheses(self, inside: Callable[[], Item]) -> Item:
        """`( inside )`."""
        opening = self.index
        self.expect("(")
        result = inside()
        self.close(opening)
        return result

    def close(self, opening: int, closing: str = ")") -> None:
        """Take the bracket that closes the one at token `opening`."""
        if not self.accept(closing):
            if self.misspelt_alias(CLAUSES):
                raise self.error(keywords=CLAUSES)
            raise unclosed(self.text, self.span(opening), self.found(), self.span(self.index))

    # Spans

    def span(self, start: int, end: int | None = None) -> Span:
        """The text from token `start` up to token `end`, by default that one token."""
        last = self.tokens[start if end is None else max(start, end - 1)]
        return Span(self.tokens[start].start, last.end + 1)

    def node(self, start: int, node: Node) -> Node:
        """The node, with the text from token `start` to the last one taken as its place."""
        span = self.span(start, self.index)
        node.meta[_SPAN] = (span.start, span.end)
        return node

    def place(self, node: exp.Expression) -> Span | None:
        """Where a node stands."""
        return stored_span(node)

    # Failing

    def found(self) -> str:
        """The next token as it stands in the text."""
        token = self.token
        return END_OF_TEXT if self.at_end else self.text[token.start : token.end + 1]

    def error(
        self, *, expected: str | None = None, hint: str | None = None, keywords: tuple[str, ...] = ()
    ) -> SqlError:
        """The error for the next token; `keywords` are those it may have been meant for."""
        if hint is None and (found := self.misspelt_alias(keywords)):
            alias = self.implicit_alias
            return unexpected(self.tokens[alias].text, self.span(alias), hint=found)
        foreign = max(0, self.index - 1)
        if hint is None and self.keys[foreign] in ELSEWHERE and self.tokens[foreign].token_type == TokenType.VAR:
            return unexpected(self.tokens[foreign].text, self.span(foreign))
        hint = hint or self._near_miss(keywords) or self._advice(expected)
        return unexpected(self.found(), self.span(self.index), expected=expected, hint=hint)

    def _advice(self, expected: str | None) -> str | None:
        before = self.keys[self.index - 1] if self.index else ""
        if expected is None and self.implicit_alias == self.index - 1 and self.at_name():
            return "items of a list stand with commas between them; a new name is given with AS"
        return advice(expected, before, self.key)

    def misspelt_alias(self, keywords: tuple[str, ...]) -> str | None:
        """The hint where the word before the next token was taken for an alias, but hardly meant as one."""
        if self.implicit_alias != self.index - 1:
            return None
        return misspelt(self.tokens[self.implicit_alias].text, keywords)

    def _near_miss(self, keywords: tuple[str, ...]) -> str | None:
        return misspelt(self.token.text, keywords) if self.at_type(TokenType.VAR) else None

    # Names

    def at_name(self, offset: int = 0) -> bool:
        """The token is a quoted name or a word that is not reserved."""
        token = self.tokens[min(self.index + offset, len(self.tokens) - 1)]
        if token.token_type == TokenType.VAR:
            return token.text.upper() not in RESERVED
        return token.token_type == TokenType.IDENTIFIER

    def name(self, expected: str = "a name") -> exp.Identifier:
        """One name."""
        if not self.at_name():
            raise self.error(expected=expected, hint=self.reserved_hint())
        return self._identifier()

    def field_name(self) -> exp.Identifier:
        """A name after a dot, where no word is reserved."""
        if not self.at_type(TokenType.VAR, TokenType.IDENTIFIER):
            raise self.error(expected="a name")
        return self._identifier()

    def names(self) -> list[exp.Identifier]:
        """`(name, ...)`."""
        return self.in_parentheses(lambda: self.comma_list(self.name))

    def _identifier(self) -> exp.Identifier:
        start, token = self.index, self.take()
        quoted = token.token_type == TokenType.IDENTIFIER
        return self.node(start, exp.Identifier(this=token.text, quoted=quoted))

    def reserved_hint(self) -> str | None:
        """The hint for a reserved word that may have been meant as a name."""
        if self.index and self.keys[self.index - 1] == "," and (self.key in STRUCTURAL or self.at_end):
            return 'remove the "," before it'
        after_as = self.index > 0 and self.keys[self.index - 1] == "AS" and self.key != "FROM"
        if (self.key in STRUCTURAL and not after_as) or self.keys[self.index + 1] == "BY":
            return None
        return self.quoting_hint()

    def quoting_hint(self) -> str | None:
        """How to write the next word as a name, if it is reserved."""
        if self.key not in RESERVED:
            return None
        return f"{self.key} is a reserved word; as a name it is quoted: `{self.token.text}`"

    def table_name(self) -> exp.Table:
        """`[[catalog.]database.]name`."""
        start = self.index
        parts = [self.name()]
        while self.accept("."):
            parts.append(self.field_name())
        if len(parts) > 3:
            raise SqlError(
                "syntax error: a table name has at most three parts: catalog.database.table",
                span=self.span(start, self.index),
            )
        table = exp.Table(**dict(zip(("this", "db", "catalog"), reversed(parts), strict=False)))
        return self.node(start, table)

    # Literals that clauses ask for

    def string(self, what: str = "a string") -> exp.Literal:
        """One string literal."""
        if not self.at_type(TokenType.STRING):
            raise self.error(expected=what, hint=self._unquoted_hint())
        start = self.index
        return self.node(start, exp.Literal.string(self.take().text))

    def _unquoted_hint(self) -> str | None:
        if self.at_type(TokenType.VAR, TokenType.IDENTIFIER, TokenType.NUMBER):
            return f"strings stand in single quotes: '{self.token.text}'"
        return None

    def integer(self, what: str = "a whole number") -> int:
        """One whole number without a sign."""
        if not self.at_type(TokenType.NUMBER) or not self.token.text.isdigit():
            raise self.error(expected=what)
        return int(self.take().text)


def stored_span(node: exp.Expression) -> Span | None:
    """Where a node stands in the text it was parsed from; None for nodes that were made otherwise."""
    place = node.meta_get(_SPAN)
    return None if place is None else Span(*place)
