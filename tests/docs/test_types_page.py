"""The examples of docs/types.md give what the page says, as stream and as batch."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.types.matrix import assert_gives

PAGE = (Path(__file__).parents[2] / "docs" / "types.md").read_text()
TABLES = re.findall(r"\| SQL \| type \| value \|\n\|---\|---\|---\|\n((?:\|.*\n)+)", PAGE)
EXAMPLES = [row for table in TABLES for row in re.findall(r"^\| `(.+)` \| (.+?) \| (.+) \|$", table, re.MULTILINE)]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 30


@pytest.mark.parametrize(("sql", "type_", "value"), EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_example(sql: str, type_: str, value: str) -> None:
    assert_gives(sql, type_, value)
