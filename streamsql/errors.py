"""Every error a user can meet: what happened, where, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from streamsql.record import record


@record
class Span:
    """A stretch of SQL text: character offsets, `end` exclusive."""

    start: int
    end: int


class StreamSqlError(Exception):
    """Base of all errors raised on purpose. `exit_code` is what the command line returns."""

    exit_code = 1

    def __init__(self, message: str, *, span: Span | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint
        self.source: str | None = None
        self.source_name = "SQL"

    def with_source(self, text: str, name: str = "SQL") -> StreamSqlError:
        """Attach the SQL text that `span` points into, unless one is attached already."""
        if self.source is None:
            self.source, self.source_name = text, name
        return self

    def __str__(self) -> str:
        return render(self)


class SqlError(StreamSqlError):
    """The SQL text is wrong: syntax, unknown names, types, unsupported combinations."""

    exit_code = 2


class NotSupportedYet(SqlError):
    """Valid in this dialect, but this version cannot run it."""

    def __init__(self, what: str, *, span: Span | None = None, hint: str | None = None) -> None:
        super().__init__(f"not supported yet: {what}", span=span, hint=hint)


class UsageError(StreamSqlError):
    """A wrong argument, option, setting or path."""

    exit_code = 2


class DataError(StreamSqlError):
    """Bad data, failed input or output, or an expression that failed on a row."""


class FunctionError(DataError, SqlError):
    """A Python function that SQL called has failed on a row, or returned what it does not declare."""

    exit_code = 1


class BackPressure(StreamSqlError):
    """Rows could not be pushed in time, because a query that reads the table lags behind."""


@contextmanager
def located(text: str | None, name: str = "SQL") -> Iterator[None]:
    """Errors that leave this block show where they are in the SQL text, unless they know a text of their own.

    No text: they leave as they are. What is too deep for Python's stack is an error of the SQL.
    """
    try:
        yield
    except RecursionError:
        raise _too_deep().with_source(text or "", name) from None
    except StreamSqlError as error:
        if text is not None:
            error.with_source(text, name)
        raise


def _too_deep() -> SqlError:
    hint = (
        "a chain of a hundred operators is fine; write x IN (…) for many comparisons, split what is longer over views"
    )
    return SqlError("the SQL is nested too deeply, or a chain of operators is too long", hint=hint)


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both counted from 1.

    >>> position("SELECT a\\nFROM t", 14)
    (2, 6)
    """
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def render(error: StreamSqlError) -> str:
    """The error as a person reads it: message, the SQL line with a caret, the hint."""
    lines = [error.message]
    if error.span is not None and error.source is not None:
        lines += _caret_lines(error.source, error.source_name, error.span)
    if error.hint:
        lines.append(f"hint: {error.hint}")
    return "\n".join(lines)


def _caret_lines(text: str, name: str, span: Span) -> list[str]:
    start = min(span.start, len(text))
    line_number, column = position(text, start)
    line = text.split("\n")[line_number - 1].rstrip("\r")
    width = max(1, min(span.end, start + len(line) - column + 1) - start)
    gutter = f"{line_number:>5} | "
    # Tabs before the caret are kept, so that it stands under its word in any terminal.
    padding = "".join("\t" if char == "\t" else " " for char in line[: column - 1])
    return [
        f"  at {name}:{line_number}:{column}",
        f"{gutter}{line}",
        f"{' ' * (len(gutter) - 2)}| {padding}{'^' * width}",
    ]


def nearest(name: str, known: Sequence[str], *, limit: int = 1) -> list[str]:
    """Names that a reader may have meant, the closest first; a difference in case counts as closest.

    >>> nearest("prise", ["price", "bidder"])
    ['price']
    """
    from difflib import get_close_matches

    same = [each for each in known if each.lower() == name.lower() and each != name]
    lowered = {each.lower(): each for each in known}
    close = [lowered[each] for each in get_close_matches(name.lower(), list(lowered), n=limit, cutoff=0.6)]
    return list(dict.fromkeys(same + [each for each in close if each != name]))[:limit]


def did_you_mean(name: str, known: list[str] | tuple[str, ...], *, kind: str = "known") -> str:
    """The hint for an unknown name: the nearest one, else the list.

    >>> did_you_mean("prise", ["price", "bidder"])
    'did you mean "price"?'
    """
    if found := nearest(name, known):
        return f'did you mean "{found[0]}"?'
    if not known:
        return f"there are no {kind} names"
    shown = ", ".join(sorted(known)[:30])
    return f"{kind}: {shown}{', …' if len(known) > 30 else ''}"
