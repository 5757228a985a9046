"""The table of functions in docs/sql.md, made from the function table: `python -m tests.docs.function_table`."""

from __future__ import annotations

from pathlib import Path

from streamsql.expr.functions import ALIASES, FUNCTIONS, OVERLOADS

PAGE = Path(__file__).parents[2] / "docs" / "sql.md"
BEGIN, END = "<!-- functions -->\n", "<!-- end of functions -->\n"


def function_table() -> str:
    """Markdown: each function, how it is called, and what runs it."""
    hidden = {name for names in OVERLOADS.values() for name in names}
    lines = ["| function | is called | runs in |", "|---|---|---|"]
    for name in sorted(FUNCTIONS):
        each = FUNCTIONS[name]
        other = sorted(alias for alias, target in ALIASES.items() if target == name)
        names = " ".join(f"`{label}`" for label in (name, *other)) if name not in hidden else f"`{name}`"
        usage = each.usage.replace("|", "\\|")
        lines.append(f"| {names.replace('||', chr(92) + '|' + chr(92) + '|')} | `{usage}` | {_runs_in(each.arrow)} |")
    return "\n".join(lines) + "\n"


def _runs_in(arrow: object) -> str:
    return "DuckDB, a batch at a time" if arrow is None else "Arrow"


def page_with_table(text: str) -> str:
    """The page with its table made anew."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{function_table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text()))
