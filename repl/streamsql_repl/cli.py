"""The command line: arguments to calls, errors to messages and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from streamsql.errors import StreamSqlError, UsageError
from streamsql_repl.start_up import keep_pandas_out

INTERNAL_ERROR = 3
INTERRUPTED = 130

_input = click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="NAME=PATH",
    help="Data of a table: a file, glob, folder, URL or - (stdin).",
)
_input_format = click.option("--input-format", metavar="FORMAT", help="Format of inputs whose name does not tell it.")
_batch_size = click.option(
    "--batch-size", type=click.IntRange(min=1), help="Rows of a step (an answer never depends on it)."
)
_seed = click.option("--seed", type=int, help="Seed of generated data and of random functions.")
_debug = click.option("--debug", is_flag=True, help="Show the traceback of an error.")
_script = click.argument("script", metavar="SCRIPT.sql")


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="streamsql-engine", prog_name="streamsql")
@click.option("-c", "text", metavar="SQL", help="Run this SQL text.")
@_debug
@click.pass_context
def streamsql(context: click.Context, text: str | None, debug: bool) -> None:
    """Streaming SQL over files and streams, in one process, checked against DuckDB."""
    if context.invoked_subcommand is not None:
        return
    if text is None:
        click.echo(context.get_help())
        return
    from streamsql_repl.run import RunOptions, run_text

    run_text(text, "-c", RunOptions())


@streamsql.command()
@_script
@_input
@_input_format
@click.option(
    "--output", metavar="FILE", help="Where the rows of the SELECT go; the ending is the format, - is stdout."
)
@click.option("--result", type=click.Choice(["changelog", "table"]), help="Every change, or the final table.")
@click.option("--batch", is_flag=True, help="Run as one bounded batch in DuckDB.")
@_batch_size
@click.option("--late", metavar="FILE", help="Write rows dropped as late there, as JSON lines.")
@click.option("--rejects", metavar="FILE", help="Write rejected records there, as JSON lines.")
@_seed
@_debug
def run(script: str, debug: bool, **options: Any) -> None:
    """Run a script: its DDL, then its INSERTs and SELECTs. - reads the script from stdin."""
    from streamsql_repl.run import RunOptions, run_text

    text, name = read_script(script)
    run_text(text, name, RunOptions(**options))


@streamsql.command()
@_script
@_input
@_input_format
@click.option(
    "--batch-sizes", metavar="N,N,…", help="Also run the stream with these step sizes and compare the answers."
)
@_batch_size
@_seed
@_debug
def compare(script: str, debug: bool, **options: Any) -> None:
    """Run as a stream and as a DuckDB batch, and explain every difference."""
    from streamsql_repl.compare import CompareOptions, compare_text

    text, name = read_script(script)
    sys.exit(compare_text(text, name, CompareOptions(**options)))


@streamsql.command()
@_script
@_input
@_input_format
@_debug
def explain(script: str, debug: bool, inputs: tuple[str, ...], input_format: str | None) -> None:
    """Show the plan of every query of a script: changelog modes, keys, time and what bounds the state."""
    from streamsql_repl.explain import explain_text

    text, name = read_script(script)
    explain_text(text, name, inputs, input_format)


def read_script(path: str) -> tuple[str, str]:
    """The text of a script and the name that errors show; - is stdin."""
    try:
        if path == "-":
            return sys.stdin.read(), "stdin"
        with open(path, encoding="utf-8-sig") as file:
            return file.read(), path
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise UsageError(f"cannot read the script {path}: {error.strerror}") from error


def main(arguments: list[str] | None = None) -> None:
    """The `streamsql` command: never a traceback without --debug."""
    arguments = sys.argv[1:] if arguments is None else arguments
    keep_pandas_out()
    sys.exit(exit_code(lambda: streamsql.main(arguments, standalone_mode=False), debug="--debug" in arguments))


def exit_code(call: Callable[[], object], *, debug: bool) -> int:
    """Run a command; print what went wrong to stderr and say with which code to end."""
    try:
        call()
        sys.stdout.flush()
    except click.exceptions.Exit as error:
        return error.exit_code
    except SystemExit as error:
        return int(error.code or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except StreamSqlError as error:
        if debug:
            raise
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        _close_stdout()
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except Exception as error:
        if debug:
            raise
        click.echo(f"internal error: {type(error).__name__}: {error}", err=True)
        click.echo(
            "This is a defect of streamsql. Please report it with the output of the same command and --debug.", err=True
        )
        return INTERNAL_ERROR
    return 0


def _close_stdout() -> None:
    """The reader of the pipe has left: no further write, also not at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
