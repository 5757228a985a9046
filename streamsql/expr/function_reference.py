"""What each function is for, with an example and its result: the documentation shows it, and a test checks it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from streamsql.record import record


@record
class Description:
    """A line about a function by its upper-case name, under a heading.

    `example` is SQL that needs no table; `result` the text that it gives, as CAST(… AS STRING) writes it. Where results
    differ from run to run, the example is a condition that holds; both are "" for what makes no sense without a table.
    """

    heading: str
    name: str
    text: str
    example: str
    result: str


@cache
def descriptions() -> dict[str, Description]:
    """All functions, operators and forms, in the order in which the documentation has them."""
    found: dict[str, Description] = {}
    heading = ""
    _, *lines = files("streamsql.expr").joinpath("function_reference.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if line.startswith("# "):
            heading = line.removeprefix("# ")
        elif line:
            name, text, example, result = ("" if part == "(none)" else part.strip(" ") for part in line.split(" :: "))
            found[name] = Description(heading, name, text, example, result)
    return found
