"""The tables of functions in docs/sql.md, made from the function table: `python -m tests.docs.function_table`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from streamsql.expr.function_reference import Description, descriptions
from streamsql.expr.functions import ALIASES, FUNCTIONS
from streamsql.expr.rewrites import REWRITES

PAGE = Path(__file__).parents[2] / "docs" / "sql.md"
BEGIN, END = "<!-- functions -->\n", "<!-- end of functions -->\n"
HEAD = "| function | what it does | example | result | runs in | in Flink |\n|---|---|---|---|---|---|"


def function_table() -> str:
    """Markdown: a table under each heading: how each function is called, what for, and what runs it."""
    parts = []
    for heading, described in groupby(descriptions().values(), key=lambda each: each.heading):
        parts.append(f"### {heading}\n\n{HEAD}\n" + "\n".join(_line(each) for each in described))
    return "\n\n".join(parts) + "\n"


def _line(description: Description) -> str:
    name = description.name
    function = FUNCTIONS.get(name)
    called = [function.usage if function is not None else name]
    called += sorted(alias for alias, target in ALIASES.items() if target == name)
    flink = "yes" if name in REWRITES else "no"
    if function is not None and function.flink is not None:
        flink = "yes"
    cells = (
        " ".join(_code(each) for each in called),
        description.text.replace("|", "\\|"),
        _code(description.example),
        _code(description.result),
        "Arrow" if function is None or function.arrow is not None else "DuckDB",
        flink,
    )
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


def page_with_table(text: str) -> str:
    """The page with its tables made anew."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{function_table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text()))
