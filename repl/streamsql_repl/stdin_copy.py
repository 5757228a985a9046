"""A copy of stdin, for commands that read their input more than once."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from streamsql_connectors.streams import STANDARD

from streamsql_repl.inputs import InputArgument


def with_stdin_copied(inputs: Sequence[InputArgument], stack: ExitStack) -> tuple[InputArgument, ...]:
    """The inputs, stdin replaced by a file called `stdin`, which is gone when the stack unwinds."""
    return tuple(_copied(each, stack) if each.path == STANDARD else each for each in inputs)


def _copied(given: InputArgument, stack: ExitStack) -> InputArgument:
    path = Path(stack.enter_context(TemporaryDirectory(prefix="streamsql-"))) / "stdin"
    with path.open("wb") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
    return replace(given, path=str(path), from_stdin=True)
