"""Sessions for the command line: its settings and inputs."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from streamsql.outline import ScriptOutline
from streamsql.plan.logical import Table
from streamsql.session import Session
from streamsql_repl.inputs import InputArgument, add_inputs, refuse_unused

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def make_session(
    outline: ScriptOutline,
    inputs: Sequence[InputArgument],
    input_format: str | None = None,
    function_files: Sequence[str] = (),
    *,
    batch_size: int | None = None,
    seed: int | None = None,
) -> Session:
    """A session for a script, with the command line's settings, inputs and functions; it must use all inputs."""
    settings = {}
    if batch_size is not None:
        settings["streamsql.batch-size"] = str(batch_size)
    if seed is not None:
        settings["streamsql.seed"] = str(seed)
    refuse_unused(inputs, outline.names)
    session = Session(settings=settings)
    add_inputs(session, inputs, input_format)
    if function_files:
        from streamsql_repl.python_files import add_functions

        add_functions(session, function_files)
    return session


def say_inferred(table: Table) -> None:
    """A line on stderr: which columns a table has that nobody declared."""
    columns = ", ".join(f"{each.name} {each.type}" for each in table.columns)
    place = table.options.get("path", f"what {table.connector} offers")
    line = f"{table.name}: columns found in {place}: {columns}"
    click.echo(_CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", line), err=True)
