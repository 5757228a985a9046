"""`streamsql` without a command on a terminal: the options it takes there, and the shell."""

from __future__ import annotations

import sys
from importlib.metadata import version

from streamsql.errors import UsageError
from streamsql.outline import ScriptOutline
from streamsql_repl.inputs import read_inputs
from streamsql_repl.run import RunOptions
from streamsql_repl.session import make_session

_NOT_HERE = ("output", "result", "batch", "late", "rejects")


def is_interactive() -> bool:
    """Whether a person types."""
    return sys.stdin is not None and sys.stdin.isatty()


def run_interactively(options: RunOptions, *, debug: bool) -> None:
    """The shell, with the inputs, functions, step size and seed of the command line."""
    for name in _NOT_HERE:
        if getattr(options, name):
            raise UsageError(f"--{name} is for scripts, not for the shell", hint=f"write streamsql run … --{name} …")
    from streamsql_repl.prompt import run_shell

    inputs = read_inputs(options.inputs)
    if any(each.from_stdin for each in inputs):
        raise UsageError("--input cannot come from stdin, where the shell reads what is typed")
    names = frozenset(each.name for each in inputs)
    outline = ScriptOutline(0, 0, names, dict.fromkeys(names, 1))
    session = make_session(
        outline,
        inputs,
        options.input_format,
        options.function_files,
        batch_size=options.batch_size,
        seed=options.seed,
    )
    session.keep_late_columns = True
    run_shell(session, version=version("streamsql-engine"), debug=debug)
