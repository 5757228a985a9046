"""The text of a script."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from streamsql.errors import UsageError


def read_script(path: str, inputs: Iterable[str]) -> tuple[str, str]:
    """The text of a script and the name that errors show; - is stdin, which no input may be then."""
    if path == "-":
        for each in inputs:
            if each.partition("=")[2] == "-":
                raise UsageError(f"the script and --input {each} cannot both come from stdin")
        return _decoded(sys.stdin.buffer.read(), "stdin"), "stdin"
    return read_text(path, path, ".sql", what="the script"), path


def read_text(path: str, name: str, ending: str, *, what: str = "") -> str:
    """The text of a file; errors call it `name`, and suggest a file beside it that ends with `ending`."""
    try:
        return _decoded(Path(path).read_bytes(), name)
    except OSError as error:
        called = f"{what} {name}".strip()
        raise UsageError(f"cannot read {called}: {error.strerror}", hint=_other_name(path, ending)) from error


def argument_text(text: str) -> str:
    """A script given as an argument: UTF-8, whatever the locale took it for."""
    return _decoded(os.fsencode(text), "the text of -c")


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 text: {error.reason} at byte {error.start + 1}") from error


def _other_name(path: str, ending: str) -> str | None:
    from streamsql.errors import nearest

    folder = Path(path).parent
    if not folder.is_dir():
        return None if folder.exists() else f"there is no folder {folder}"
    near = nearest(Path(path).name, [each.name for each in folder.iterdir() if each.suffix == ending])
    return f"did you mean {folder / near[0]}?" if near else None
