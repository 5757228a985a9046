"""Text as an editor sees it: every stretch of it, also where it is not finished or wrong."""

from __future__ import annotations

from collections.abc import Iterator

from streamsql.record import record
from streamsql.sql.dialect.tokens import OPENINGS, TOKEN

_KINDS = {"unicode": "string", "hex": "string", "foreign": "symbol"}


@record
class Piece:
    """A stretch of a text, of the kind space, comment, string, name (in quotes), number, word, symbol or unknown.

    `closed`: False for a string, name or comment that runs to the end of the text.
    """

    kind: str
    text: str
    start: int
    closed: bool = True

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def upper(self) -> str:
        """The text of a word or symbol as keywords are written."""
        return self.text.upper()


def pieces(text: str) -> Iterator[Piece]:
    """The whole text, piece by piece; never an error.

    >>> [(each.kind, each.text) for each in pieces("SELECT 'a;")]
    [('word', 'SELECT'), ('space', ' '), ('string', "'a;")]
    """
    offset = 0
    while offset < len(text):
        match = TOKEN.match(text, offset)
        if match is None:
            piece = _unfinished(text, offset)
        else:
            piece = Piece(_kind(match.lastgroup or "", match.group()), match.group(), offset)
        yield piece
        offset = piece.end


def _kind(group: str, text: str) -> str:
    if group == "space" and text.startswith(("--", "/*")):
        return "comment"
    return _KINDS.get(group, group)


def _unfinished(text: str, offset: int) -> Piece:
    for opening, (what, _) in OPENINGS.items():
        if text.startswith(opening, offset):
            return Piece(what.removeprefix("quoted "), text[offset:], offset, closed=False)
    return Piece("unknown", text[offset], offset)
