"""What a text says around the cursor: the statement, the tables it reads, the options it sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field

from streamsql.record import record
from streamsql.sql.dialect.pieces import Piece, pieces
from streamsql.sql.dialect.words import RESERVED

WINDOW_FUNCTIONS = ("TUMBLE", "HOP", "CUMULATE", "SESSION")
WINDOW_COLUMNS = ("window_start", "window_end", "window_time")
_READING = ("FROM", "JOIN", "TABLE", "INTO")
_CLAUSES = ("SELECT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "ON", "USING", "SET", "VALUES", "LIMIT", "EMIT")
_UNSEEN = ("space", "comment")


@record
class Typed:
    """`before`: the statement's pieces before the word at the cursor; `word`: that word, empty between words.

    `whole`: all pieces of the statement, also those after the cursor.
    """

    before: tuple[Piece, ...]
    word: str
    whole: tuple[Piece, ...] = field(repr=False)

    @property
    def last(self) -> str:
        """The piece before the word, upper case; empty at the beginning."""
        return self.before[-1].upper if self.before else ""

    @property
    def clause(self) -> str:
        """The keyword of the clause that the cursor stands in, at its level of parentheses."""
        depth = 0
        for piece in reversed(self.before):
            depth += {")": 1, "(": -1}.get(piece.text, 0)
            if depth <= 0 and piece.kind == "word" and piece.upper in _CLAUSES:
                return piece.upper
        return ""


def typed(text: str, cursor: int) -> Typed:
    """The statement around the cursor.

    >>> typed("SELECT 1; SELECT pri FROM bids", 20).word
    'pri'
    """
    seen = tuple(each for each in pieces(text[:cursor]) if each.kind not in _UNSEEN)
    start = next((index + 1 for index in reversed(range(len(seen))) if seen[index].text == ";"), 0)
    before = seen[start:]
    word = ""
    if before and before[-1].end == cursor and _is_being_typed(before[-1]):
        word, before = before[-1].text, before[:-1]
    begin = before[0].start if before else cursor - len(word)
    return Typed(before, word, _statement(text, begin))


def in_comment(text: str, cursor: int) -> bool:
    """Whether what is typed at the cursor belongs to a comment."""
    last = list(pieces(text[:cursor]))[-1:]
    return bool(last) and last[0].kind == "comment" and (not last[0].closed or last[0].text.startswith("--"))


def _is_being_typed(piece: Piece) -> bool:
    return piece.kind == "word" or (piece.kind in ("name", "string") and not piece.closed)


def _statement(text: str, begin: int) -> tuple[Piece, ...]:
    found = []
    for piece in pieces(text[begin:]):
        if piece.text == ";":
            break
        if piece.kind not in _UNSEEN:
            found.append(piece)
    return tuple(found)


def tables_read(statement: Sequence[Piece]) -> dict[str, str]:
    """The tables of a statement by the names that columns may be qualified with: alias, or the table's own.

    >>> tables_read(tuple(p for p in pieces("SELECT x FROM bids AS b, t") if p.kind != "space"))
    {'b': 'bids', 't': 't'}
    """
    found: dict[str, str] = {}
    clause = ""
    for index, piece in enumerate(statement):
        if piece.kind == "word" and piece.upper in _CLAUSES:
            clause = piece.upper
        before = statement[index - 1].upper if index else ""
        starts = before in _READING or (before == "," and clause == "FROM")
        if starts and is_name(piece) and not _is_called(statement, index):
            found[_alias(statement, index + 1) or name_of(piece)] = name_of(piece)
    return found


def makes_windows(statement: Sequence[Piece]) -> bool:
    """Whether a window function gives the rows window columns."""
    return any(each.upper in WINDOW_FUNCTIONS and _is_called(statement, at) for at, each in enumerate(statement))


def common_tables(statement: Sequence[Piece]) -> tuple[str, ...]:
    """The names that WITH gives to queries."""
    return tuple(
        name_of(each)
        for index, each in enumerate(statement[:-1])
        if is_name(each)
        and statement[index + 1].upper == "AS"
        and index + 2 < len(statement)
        and statement[index + 2].text == "("
        and index
        and statement[index - 1].upper in ("WITH", ",")
    )


def options_set(statement: Sequence[Piece]) -> dict[str, str]:
    """The `'key' = 'value'` pairs of a statement."""
    return {
        content(key): content(value)
        for key, equals, value in zip(statement, statement[1:], statement[2:], strict=False)
        if key.kind == value.kind == "string" and equals.text == "="
    }


def is_name(piece: Piece) -> bool:
    return piece.kind == "name" or (piece.kind == "word" and piece.upper not in RESERVED)


def name_of(piece: Piece) -> str:
    """The name that a word or a quoted name stands for."""
    if piece.kind != "name":
        return piece.text
    quote = piece.text[0]
    return piece.text[1:].removesuffix(quote).replace(quote * 2, quote)


def content(piece: Piece) -> str:
    """The text of a string."""
    text = piece.text[1:]
    return (text[:-1] if piece.closed else text).replace("''", "'")


def opened(before: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces before each parenthesis that is still open, the innermost first."""
    depth = 0
    for index in range(len(before) - 1, 0, -1):
        depth += {")": 1, "(": -1}.get(before[index].text, 0)
        if depth < 0:
            yield before[index - 1]
            depth = 0


def _is_called(statement: Sequence[Piece], index: int) -> bool:
    return index + 1 < len(statement) and statement[index + 1].text == "("


def _alias(statement: Sequence[Piece], index: int) -> str | None:
    if index < len(statement) and statement[index].upper == "AS":
        index += 1
    if index < len(statement) and is_name(statement[index]) and statement[index].upper not in _CLAUSES:
        return name_of(statement[index])
    return None
