"""--functions arguments: Python files whose functions SQL may call."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from streamsql.errors import StreamSqlError, UsageError
from streamsql.python_functions import Udf
from streamsql.session import Session
from streamsql_repl.script_text import read_text

_HINT = "write @streamsql.udf above each function that SQL may call, with type hints"


def add_functions(session: Session, paths: Iterable[str]) -> None:
    """Run these Python files, and let SQL call every function in them that was made with `streamsql.udf`."""
    for path in paths:
        found = {id(each): each for each in vars(_module(path)).values() if isinstance(each, Udf)}
        if not found:
            raise UsageError(f"--functions {path}: there is no function for SQL in it", hint=_HINT)
        for each in found.values():
            try:
                session.create_function(each)
            except StreamSqlError as error:
                raise UsageError(f"--functions {path}: {error.message}", hint=error.hint) from error


def _module(path: str) -> ModuleType:
    """The file as a module, which may import what lies beside it."""
    text = read_text(path, f"--functions {path}", ".py")
    module = ModuleType(f"streamsql_functions_{Path(path).stem}")
    module.__file__ = path
    sys.modules[module.__name__] = module
    folder = str(Path(path).resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        exec(compile(text, path, "exec"), vars(module))
    except (Exception, SystemExit) as error:
        raise _failed(path, error) from error
    return module


def _failed(path: str, error: BaseException) -> UsageError:
    """What went wrong while the file ran, and in which of its lines."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return UsageError(f"--functions {path}:{error.lineno}: syntax error: {error.msg}")
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    where = f"--functions {path}:{lines[-1]}" if lines else f"--functions {path}"
    if isinstance(error, StreamSqlError):
        return UsageError(f"{where}: {error.message}", hint=error.hint)
    return UsageError(f"{where}: {type(error).__name__}: {error}")
