"""What batch mode refuses."""

from __future__ import annotations

from streamsql.errors import Span, StreamSqlError


class NoBatchForm(StreamSqlError):
    """A part of the plan whose answer depends on when it runs, or that DuckDB cannot say."""

    def __init__(self, what: str, *, span: Span | None = None, hint: str | None = None) -> None:
        super().__init__(f"no batch form: {what}", span=span, hint=hint)
