"""Colours of what is typed, from the dialect's own pieces."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.styles import Style

from streamsql.sql.dialect.pieces import Piece, pieces
from streamsql_repl.vocabulary import functions, keywords, starts

STYLE = Style.from_dict(
    {
        "sql.keyword": "bold ansiblue",
        "sql.function": "ansicyan",
        "sql.string": "ansigreen",
        "sql.number": "ansimagenta",
        "sql.comment": "italic ansibrightblack",
        "sql.name": "",
        "sql.unknown": "ansired",
        "prompt": "bold",
    }
)
_BY_KIND = {kind: f"class:sql.{kind}" for kind in ("string", "number", "comment", "name", "unknown")}


def highlighted(text: str) -> list[tuple[str, str]]:
    """The text in stretches, each with its style.

    >>> highlighted("SELECT 'a'")
    [('class:sql.keyword', 'SELECT'), ('', ' '), ('class:sql.string', "'a'")]
    """
    if text.lstrip().startswith("\\"):
        return [("class:sql.keyword", text)]
    return [(_style(each), each.text) for each in pieces(text)]


def _style(piece: Piece) -> str:
    if piece.kind != "word":
        return _BY_KIND.get(piece.kind, "")
    if piece.upper in _keyword_words():
        return "class:sql.keyword"
    return "class:sql.function" if piece.upper in _function_names() else ""


@cache
def _keyword_words() -> frozenset[str]:
    return frozenset(word for each in (*keywords(), *starts()) for word in each.split() if word.isalpha())


@cache
def _function_names() -> frozenset[str]:
    return frozenset(functions())


class SqlLexer(Lexer):
    """Gives the prompt the styles of each line."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        lines: list[StyleAndTextTuples] = [[]]
        for style, text in highlighted(document.text):
            first, *rest = text.split("\n")
            lines[-1].append((style, first))
            lines.extend([(style, each)] for each in rest)
        return lambda number: lines[number] if number < len(lines) else []
