"""Where a script declares a table: shown by errors that come up only when the table is opened."""

from __future__ import annotations

import re

from streamsql.errors import Span, StreamSqlError
from streamsql.record import record

_QUOTED = r"'[^'\n]+'"


@record
class DeclaredAt:
    """A statement in the text of a script; `name` is the script's."""

    span: Span
    text: str
    name: str

    def locate(self, error: StreamSqlError) -> None:
        """Let the error show this place, unless it has one; the very word if it quotes one of the statement's."""
        if error.span is None:
            error.span = self._word(error.message) or self.span
            error.with_source(self.text, self.name)

    def _word(self, message: str) -> Span | None:
        last = message.rpartition(": ")[2]
        for quoted in (*re.findall(_QUOTED, message), f"'{last}'"):
            at = self.text.find(quoted, self.span.start, self.span.end)
            if at >= 0:
                return Span(at, at + len(quoted))
        return None
