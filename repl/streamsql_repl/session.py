"""Sessions for the command line: its settings and inputs."""

from __future__ import annotations

from collections.abc import Iterable

from streamsql.session import Session
from streamsql_repl.inputs import add_inputs


def make_session(
    inputs: Iterable[str], input_format: str | None, batch_size: int | None = None, seed: int | None = None
) -> Session:
    """A session with the command line's settings and inputs."""
    settings = {}
    if batch_size is not None:
        settings["streamsql.batch-size"] = str(batch_size)
    if seed is not None:
        settings["streamsql.seed"] = str(seed)
    session = Session(settings=settings)
    add_inputs(session, inputs, input_format)
    return session
