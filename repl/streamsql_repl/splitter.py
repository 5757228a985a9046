"""Where statements end in what is typed: at a semicolon outside of strings, names, comments and statement sets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from streamsql.record import record
from streamsql.sql.dialect.pieces import Piece, pieces

COMMAND = "\\"
"""What a command of the shell begins with, at the beginning of a statement."""
_UNSEEN = ("space", "comment")


@record
class Statement:
    """A statement with its semicolon, or a command of the shell, and where it starts in the text."""

    text: str
    start: int

    @property
    def is_command(self) -> bool:
        return self.text.startswith(COMMAND)

    def within(self, text: str) -> str:
        """The statement at its place in the text, all before it blank: errors tell the line and column there."""
        return re.sub(r"[^\n]", " ", text[: self.start]) + self.text


def split(text: str) -> tuple[tuple[Statement, ...], str]:
    r"""The finished statements, and what comes after the last of them.

    A command ends with its line.

    >>> statements, rest = split("SELECT ';'; \\d\nSELECT 1")
    >>> [each.text for each in statements], rest
    (["SELECT ';';", '\\d'], 'SELECT 1')
    """
    found = tuple(_statements(text))
    rest = text[found[-1].start + len(found[-1].text) :] if found else text
    return tuple(each for each in found if each.text != ";"), rest.strip()


def is_finished(text: str) -> bool:
    """Whether there is nothing to wait for: every statement ends, or nothing is there but space and comments.

    >>> is_finished("SELECT 1"), is_finished("SELECT 1; -- done"), is_finished("SELECT 'a;"), is_finished("")
    (False, True, False, True)
    """
    rest = list(pieces(split(text)[1]))
    return all(each.kind in _UNSEEN and each.closed for each in rest)


def all_statements(text: str) -> tuple[Statement, ...]:
    """The statements of a text that is complete: the last one may leave out its semicolon.

    >>> [each.text for each in all_statements("SELECT 1; SELECT 2 -- two")]
    ['SELECT 1;', 'SELECT 2 -- two']
    """
    statements, rest = split(text)
    return statements if is_finished(rest) else (*statements, Statement(rest, text.rindex(rest)))


def _statements(text: str) -> Iterator[Statement]:
    """Those that end, the empty ones too."""
    offset = 0
    while (begin := _begin(text, offset)) is not None:
        end = _command_end(text, begin) if text.startswith(COMMAND, begin) else _statement_end(text, begin)
        if end is None:
            return
        yield Statement(text[begin:end].rstrip(), begin)
        offset = end


def _begin(text: str, offset: int) -> int | None:
    """Where the next statement or command begins."""
    for piece in pieces(text[offset:]):
        if piece.kind not in _UNSEEN:
            return offset + piece.start
    return None


def _command_end(text: str, begin: int) -> int:
    end = text.find("\n", begin)
    return len(text) if end < 0 else end


def _statement_end(text: str, begin: int) -> int | None:
    in_set = False
    before = Piece("symbol", ";", 0)
    for piece in pieces(text[begin:]):
        if piece.kind in _UNSEEN:
            continue
        if piece.kind == "word" and piece.upper == "BEGIN" and before.upper == "SET":
            in_set = True
        elif piece.kind == "word" and piece.upper == "END" and before.upper in (";", "BEGIN"):
            in_set = False
        elif piece.text == ";" and piece.kind == "symbol" and not in_set:
            return begin + piece.end
        before = piece
    return None
