"""The plans of the queries in queries/*.sql: each query, then its EXPLAIN in lines that begin `--> `.

`python -m tests.plans.test_plan_queries` writes the plans anew; read the difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import streamsql

FOLDER = Path(__file__).parent / "queries"
TABLES = (FOLDER / "tables.ddl").read_text()
MARK = "--> "


@dataclass(frozen=True)
class Golden:
    title: str
    query: str
    plan: str


def goldens(path: Path) -> Iterator[Golden]:
    """The cases of a file, which empty lines separate."""
    for block in path.read_text().strip().split("\n\n"):
        lines = block.split("\n")
        plan = [line.removeprefix(MARK) for line in lines if line.startswith(MARK)]
        query = [line for line in lines[1:] if not line.startswith(MARK)]
        yield Golden(lines[0].removeprefix("-- "), "\n".join(query), "\n".join(plan))


def explained(query: str) -> str:
    return streamsql.connect().sql(f"{TABLES}\n{query}").explain()  # type: ignore[union-attr]


CASES = [pytest.param(case, id=case.title) for path in sorted(FOLDER.glob("*.sql")) for case in goldens(path)]


@pytest.mark.parametrize("case", CASES)
def test_plan(case: Golden) -> None:
    assert explained(case.query) == case.plan


def write(path: Path) -> None:
    """Put the plans of today into a file."""
    blocks = []
    for case in goldens(path):
        plan = "\n".join(MARK + line for line in explained(case.query).split("\n"))
        blocks.append(f"-- {case.title}\n{case.query}\n{plan}")
    path.write_text("\n\n".join(blocks) + "\n")


if __name__ == "__main__":
    for each in sorted(FOLDER.glob("*.sql")):
        write(each)
