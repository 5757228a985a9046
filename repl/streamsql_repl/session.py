"""Sessions for the command line: its settings and inputs."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.outline import ScriptOutline
from streamsql.session import Session
from streamsql_repl.inputs import InputArgument, add_inputs, refuse_unused


def make_session(
    outline: ScriptOutline,
    inputs: Sequence[InputArgument],
    input_format: str | None = None,
    *,
    batch_size: int | None = None,
    seed: int | None = None,
) -> Session:
    """A session for a script, with the command line's settings and inputs; all of these must be of use to it."""
    settings = {}
    if batch_size is not None:
        settings["streamsql.batch-size"] = str(batch_size)
    if seed is not None:
        settings["streamsql.seed"] = str(seed)
    refuse_unused(inputs, outline.names)
    session = Session(settings=settings)
    add_inputs(session, inputs, input_format)
    return session
