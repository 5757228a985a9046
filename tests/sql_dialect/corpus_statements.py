"""The statements of corpus/*.sql, each with the file and line where it stands."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from streamsql.errors import position
from streamsql.sql.parse import parse_script

CORPUS = Path(__file__).parent / "corpus"


@cache
def corpus() -> dict[str, str]:
    """The text of each statement by `file:line:column`."""
    statements = {}
    for path in sorted(CORPUS.glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        for parsed in parse_script(text):
            line, column = position(text, parsed.span.start)
            statements[f"{path.stem}:{line}:{column}"] = text[parsed.span.start : parsed.span.end]
    return statements
