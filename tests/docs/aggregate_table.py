"""The table of aggregates in docs/sql.md, made from the engine's: `python -m tests.docs.aggregate_table`."""

from __future__ import annotations

from pathlib import Path

from streamsql.expr.aggregate_table import AGGREGATES
from streamsql.expr.aggregates import aggregates_by_name

PAGE = Path(__file__).parents[2] / "docs" / "sql.md"
BEGIN, END = "<!-- aggregates -->\n", "<!-- end of aggregates -->\n"


def aggregate_table() -> str:
    """Markdown: each function, how it is called, what it gives, how exact it is, what is kept in each group."""
    lines = ["| aggregate | is called | gives | is | keeps in each group |", "|---|---|---|---|---|"]
    for name, others in aggregates_by_name():
        each = AGGREGATES[name]
        names = " ".join(f"`{label}`" for label in (name, *others))
        usage = each.usage.replace("|", "\\|")
        lines.append(f"| {names} | `{usage}` | {each.meaning} | {each.exact} | {each.keeps.value} |")
    return "\n".join(lines) + "\n"


def page_with_table(text: str) -> str:
    """The page with its table made anew."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{aggregate_table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text()))
