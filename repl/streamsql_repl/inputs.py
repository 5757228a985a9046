"""--input arguments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streamsql_connectors.files import find_files
from streamsql_connectors.filesystem import formats_by_ending
from streamsql_connectors.streams import STANDARD

from streamsql.errors import UsageError, did_you_mean
from streamsql.record import record
from streamsql.session import Session


@record
class InputArgument:
    """NAME=PATH, and the format that the name of its files tells, if it does."""

    name: str
    path: str
    told: str | None
    from_stdin: bool


def read_inputs(arguments: Iterable[str]) -> tuple[InputArgument, ...]:
    """The arguments, checked: their form, that no name or stdin comes twice, and that the files are there."""
    read: list[InputArgument] = []
    for argument in arguments:
        name, equals, path = argument.partition("=")
        if not equals or not name or not path:
            missing = "it names no path" if name and equals else "it names no table"
            hint = "write --input NAME=PATH, such as --input bids=bids.parquet"
            raise UsageError(f"--input {argument}: {missing}", hint=hint)
        if any(each.name == name for each in read):
            raise UsageError(f"--input {name} is given twice", hint="a glob or a folder takes several files")
        other = next((each.name for each in read if each.from_stdin and path == STANDARD), None)
        if other is not None:
            raise UsageError(f"--input {other} and --input {name} cannot both come from stdin")
        read.append(InputArgument(name, path, _told_format(path), path == STANDARD))
    return tuple(read)


def add_inputs(session: Session, inputs: Sequence[InputArgument], input_format: str | None) -> None:
    """Give a session its inputs. `input_format` is for those whose name tells none; if all do, it is for all.

    What comes from stdin is JSON if nothing is said.
    """
    for_all = all(each.told for each in inputs)
    for each in inputs:
        told = input_format if for_all and input_format else each.told or input_format
        session.add_input(each.name, each.path, told or ("json" if each.from_stdin else None))


def refuse_unused(inputs: Sequence[InputArgument], mentioned: Iterable[str]) -> None:
    """UsageError for an input that the script never mentions: most likely a misspelt name."""
    known = tuple(mentioned)
    for each in inputs:
        if each.name not in known:
            hint = did_you_mean(each.name, known, kind="its tables") if known else None
            raise UsageError(f"--input {each.name}: the script uses no table {each.name}", hint=hint)


def _told_format(path: str) -> str | None:
    if path == STANDARD:
        return None
    formats = set(formats_by_ending(find_files(path)).values())
    return formats.pop() if len(formats) == 1 else None
