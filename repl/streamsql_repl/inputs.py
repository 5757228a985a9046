"""--input arguments."""

from __future__ import annotations

from collections.abc import Iterable

from streamsql.errors import UsageError
from streamsql.session import Session


def add_inputs(session: Session, inputs: Iterable[str], input_format: str | None) -> None:
    """Register NAME=PATH arguments; what comes from stdin is JSON unless a format is given."""
    for argument in inputs:
        name, equals, path = argument.partition("=")
        if not equals or not name or not path:
            raise UsageError(f"--input {argument}", hint="write --input NAME=PATH, such as --input bids=bids.parquet")
        session.add_input(name, path, input_format or ("json" if path == "-" else None))


def refuse_unused(session: Session) -> None:
    """UsageError for an input that the script never read or declared: most likely a misspelt name."""
    from streamsql.errors import did_you_mean

    for name in session.tables.unused_inputs():
        known = tuple(each for each in session.tables.names() if each != name)
        raise UsageError(
            f"--input {name}: the script uses no table {name}", hint=did_you_mean(name, known, kind="its tables")
        )
