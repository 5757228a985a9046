"""How a command ends: errors to messages and exit codes, broken pipes, signals."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress

import click

from streamsql.errors import StreamSqlError

FAILED = 1
INTERNAL_ERROR = 3
INTERRUPTED = 130


def exit_code(call: Callable[[], int | None], *, debug: bool) -> int:
    """Run a command; print what went wrong to stderr and say with which code to end.

    0: the call ended well (or gives its own code), or the reader of stdout has left.
    """
    try:
        code = _code(call)
        _flush(sys.stdout)
        return code
    except BrokenPipeError:
        _close_stdout()
        return 0
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted", debug=debug)
        return INTERRUPTED
    except click.ClickException as error:
        _say(f"error: {_sentence(error)}", debug=debug)
        return error.exit_code
    except StreamSqlError as error:
        _say(f"error: {error}", debug=debug)
        return error.exit_code
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        _say(f"error: {error.strerror or error}{where}", debug=debug)
        return FAILED
    except MemoryError:
        _say("error: out of memory", debug=debug)
        return FAILED
    except Exception as error:
        _say(
            f"internal error: {type(error).__name__}: {error}\n"
            "This is a defect of streamsql. Please report it with the output of the same command and --debug.",
            debug=debug,
        )
        return INTERNAL_ERROR


def _code(call: Callable[[], int | None]) -> int:
    try:
        return call() or 0
    except click.exceptions.Exit as ended:
        return ended.exit_code


def _sentence(error: click.ClickException) -> str:
    """What click says, with where to read more."""
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    return message if context is None else f"{message}\nhint: {context.command_path} --help shows what it takes"


def let_signals_interrupt() -> None:
    """SIGTERM and SIGINT end a command in the same way: files of theirs are cleaned up, and the code is 130."""
    if threading.current_thread() is threading.main_thread():
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.default_int_handler)


def leave(code: int) -> None:
    """End the process at once, without taking apart what it holds.

    That would take as long as many scripts run; and a reader thread may still wait for a terminal, a pipe or a socket:
    Python would crash over its locks. What cannot be written by now changes no code: `exit_code` has tried before.
    """
    for each in (sys.stdout, sys.stderr):
        with suppress(OSError):
            _flush(each)
    os._exit(code)


def _say(message: str, *, debug: bool) -> None:
    with suppress(OSError):  # a full disk or a closed pipe behind stderr: the code still tells
        if debug:
            traceback.print_exc()
        click.echo(message, err=True)


def _flush(stream: object) -> None:
    """Where a process is started without stdout, Python has None in its place."""
    if hasattr(stream, "flush"):
        stream.flush()


def _close_stdout() -> None:
    """The reader of the pipe has left: no further write, also not at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
