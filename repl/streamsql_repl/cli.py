"""The command line: arguments to calls."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from streamsql.errors import UsageError
from streamsql_repl.endings import exit_code, leave, let_signals_interrupt
from streamsql_repl.start_up import start_quickly

Command = TypeVar("Command", bound=Callable[..., Any])
Option = Callable[[Any], Any]
COMPLETION_VARIABLE = "_STREAMSQL_COMPLETE"
"""Set by a shell that asks what may follow."""


def whole_number(text: str) -> int:
    """The value of an option; BadParameter where it is none."""
    try:
        return int(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no whole number") from None


def positive_number(text: str) -> int:
    """The same, from 1 on."""
    number = whole_number(text)
    if number < 1:
        raise click.BadParameter(f"{number} is below 1")
    return number


def _with(*options: Option) -> Callable[[Command], Command]:
    """One decorator of several, which come in this order in the help."""

    def decorate(command: Command) -> Command:
        for each in reversed(options):
            command = each(command)
        return command

    return decorate


def _inputs(hidden: bool = False) -> Option:
    return _with(
        click.option(
            "--input",
            "inputs",
            multiple=True,
            metavar="NAME=PATH",
            hidden=hidden,
            help="Data of a table: a file, glob, folder, URL or - (stdin).",
        ),
        click.option(
            "--input-format",
            metavar="FORMAT",
            hidden=hidden,
            help="Format of inputs whose name does not tell it; stdin is json otherwise.",
        ),
        click.option(
            "--functions",
            "function_files",
            multiple=True,
            metavar="FILE.py",
            hidden=hidden,
            help="Run this Python file, and let SQL call its functions made with @streamsql.udf.",
        ),
    )


def _step(hidden: bool = False) -> Option:
    return _with(
        click.option(
            "--batch-size",
            type=positive_number,
            metavar="N",
            hidden=hidden,
            help="Rows of a step (an answer never depends on it).",
        ),
        click.option(
            "--seed", type=whole_number, metavar="N", hidden=hidden, help="Seed of generated data, random functions."
        ),
    )


def _run_options(hidden: bool = False) -> Option:
    return _with(
        _inputs(hidden),
        click.option(
            "--output",
            metavar="FILE",
            hidden=hidden,
            help="Where the rows of the SELECT go; the ending is the format, - is stdout.",
        ),
        click.option(
            "--result",
            type=click.Choice(["changelog", "table"]),
            hidden=hidden,
            help="Every change, with a first column op, or the final table.",
        ),
        click.option("--batch", is_flag=True, hidden=hidden, help="Run as one bounded batch in DuckDB."),
        _step(hidden),
        click.option("--late", metavar="FILE", hidden=hidden, help="Write rows dropped as late there, as JSON lines."),
        click.option("--rejects", metavar="FILE", hidden=hidden, help="Write rejected records there, as JSON lines."),
    )


_debug = click.option("--debug", is_flag=True, help="Show the traceback of an error.")
_script = click.argument("script", metavar="SCRIPT.sql")


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="streamsql-engine", prog_name="streamsql")
@click.option("-c", "text", metavar="SQL", help="Run this SQL text; takes the options of run too.")
@click.option("-f", "file", metavar="SCRIPT.sql", help="Run this script, as run does.")
@_run_options(hidden=True)
@_debug
@click.pass_context
def streamsql(context: click.Context, /, text: str | None, file: str | None, debug: bool, **options: Any) -> None:
    """Streaming SQL over files and streams, in one process, checked against DuckDB.

    Without a command: an interactive shell, or the script that comes from a pipe.
    """
    if context.invoked_subcommand is not None:
        _refuse_before(context.invoked_subcommand, {"c": text, "f": file, **options})
        return
    if text is not None and file is not None:
        raise UsageError("-c and -f do not go together")
    from streamsql_repl.interactive import is_interactive, run_interactively
    from streamsql_repl.run import RunOptions, run_text
    from streamsql_repl.script_text import argument_text, read_script

    if text is not None:
        run_text(argument_text(text), "-c", RunOptions(**options))
    elif file is None and is_interactive():
        run_interactively(RunOptions(**options), debug=debug)
    else:
        script, name = read_script(file or "-", options["inputs"])
        if file is None and not script.strip():
            click.echo(context.get_help())
            return
        run_text(script, name, RunOptions(**options))


_SPELLED = {"inputs": "--input", "function_files": "--functions"}


def _refuse_before(command: str, options: dict[str, Any]) -> None:
    for name, value in options.items():
        if value in (None, False, ()):
            continue
        if name in ("c", "f"):
            raise UsageError(f"-{name} and {command} do not go together")
        spelled = _SPELLED.get(name) or f"--{name.replace('_', '-')}"
        raise UsageError(
            f"{spelled} stands before the command", hint=f"write streamsql {command} SCRIPT.sql {spelled} …"
        )


@streamsql.command()
@_script
@_run_options()
@_debug
def run(script: str, debug: bool, **options: Any) -> None:
    """Run a script: its DDL, then its INSERTs and SELECTs. - reads the script from stdin."""
    from streamsql_repl.run import RunOptions, run_text
    from streamsql_repl.script_text import read_script

    text, name = read_script(script, options["inputs"])
    run_text(text, name, RunOptions(**options))


@streamsql.command()
@_script
@_inputs()
@click.option(
    "--batch-sizes", metavar="N,N,…", help="Also run the stream with these step sizes and compare the answers."
)
@_step()
@_debug
def compare(script: str, debug: bool, **options: Any) -> int:
    """Run as a stream and as a DuckDB batch, and explain every difference."""
    from streamsql_repl.compare import CompareOptions, compare_text
    from streamsql_repl.script_text import read_script

    text, name = read_script(script, options["inputs"])
    return compare_text(text, name, CompareOptions(**options))


@streamsql.command()
@_script
@_inputs()
@_debug
def explain(script: str, debug: bool, **options: Any) -> None:
    """Show the plan of every query of a script: changelog modes, keys, time and what bounds the state."""
    from streamsql_repl.explain import explain_text
    from streamsql_repl.script_text import read_script

    text, name = read_script(script, options["inputs"])
    explain_text(text, name, **options)


@streamsql.command()
@_script
@_inputs()
@_debug
def validate(script: str, debug: bool, **options: Any) -> int:
    """Check a script against its inputs without running it: all errors, and exit code 2 if there is one."""
    from streamsql_repl.script_text import read_script
    from streamsql_repl.validate import validate_text

    text, name = read_script(script, options["inputs"])
    return validate_text(text, name, **options)


_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@streamsql.command()
@click.argument("pattern", required=False)
@_json
@_debug
def functions(pattern: str | None, as_json: bool, debug: bool) -> None:
    """List functions: those whose name holds PATTERN or fits it (* and ?), DuckDB's among them; else all but those."""
    from streamsql_repl.listings import show_functions

    show_functions(pattern, as_json=as_json)


@streamsql.command()
@click.argument("name", required=False)
@_json
@_debug
def connectors(name: str | None, as_json: bool, debug: bool) -> None:
    """List connectors and formats with their options; NAME: one of them."""
    from streamsql_repl.listings import show_plugins

    show_plugins(name, as_json=as_json)


def main(arguments: list[str] | None = None) -> None:
    """The `streamsql` command: never a traceback without --debug."""
    leave(run_command(sys.argv[1:] if arguments is None else arguments))


def run_command(arguments: list[str]) -> int:
    """Carry out a command line and say with which code to end."""

    instruction = os.environ.get(COMPLETION_VARIABLE)
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(streamsql, {}, "streamsql", COMPLETION_VARIABLE, instruction)

    def call() -> int | None:
        let_signals_interrupt()
        start_quickly()
        # Not click's main(): it has endings of its own for broken pipes and interrupts.
        with streamsql.make_context("streamsql", list(arguments)) as context:
            code: int | None = streamsql.invoke(context)
            return code

    return exit_code(call, debug="--debug" in arguments)
