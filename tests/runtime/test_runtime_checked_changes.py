"""Changes of a table without a key: a row that is taken back must have been there, whatever reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from streamsql.errors import DataError
from streamsql.query import Query
from streamsql.runtime.checkpoint import from_files, restore, snapshot, to_files
from streamsql.runtime.job import Job
from streamsql.runtime.output import CollectOutput
from streamsql.runtime.settings import JobSettings
from streamsql.session import Session
from streamsql.sql import statements as s

Write = Callable[..., Session]
PLAIN = "SELECT k, x + 1 AS y FROM c WHERE x > 0"
NEVER = "a row of c was taken back that was never added: k = 1, x = 2"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Makes a session with table c, whose changes are these."""

    def written(*changes: tuple[str, int, int]) -> Session:
        path = tmp_path / "c.jsonl"
        path.write_text("".join(json.dumps({"op": op, "k": k, "x": x}) + "\n" for op, k, x in changes))
        session = Session()
        options = f"'connector' = 'filesystem', 'path' = '{path}', 'format' = 'json', 'changelog' = 'op'"
        session.sql(f"CREATE TABLE c (k INT, x INT) WITH ({options})")
        return session

    return written


def job_of(session: Session, text: str, batch_rows: int, output: CollectOutput) -> Job:
    (query,) = session.statements(text)
    assert isinstance(query, s.Query)
    engine = session.engine(job_settings=JobSettings(batch_rows=batch_rows, read_ahead=0))
    return engine.job([engine.optimized(query.plan)], [output])


def run_restored(session: Session, text: str) -> CollectOutput:
    """One row a step, saved and restored after each."""
    output = CollectOutput()
    job = job_of(session, text, 1, output)
    while job.step():
        saved = from_files(to_files(snapshot(job)))
        job.close()
        job = job_of(session, text, 1, output)
        restore(job, saved)
    return output


@pytest.mark.parametrize("batch_rows", [1, 2, 100])
@pytest.mark.parametrize(
    "changes",
    [
        [("+I", 1, 1), ("-D", 1, 2)],
        [("+I", 1, 2), ("-D", 1, 2), ("-D", 1, 2)],
        [("-D", 1, 2), ("+I", 1, 2)],
    ],
    ids=["another row", "once too often", "before it came"],
)
def test_a_row_that_never_was(write: Write, changes: list[tuple[str, int, int]], batch_rows: int) -> None:
    with pytest.raises(DataError) as raised:
        job_of(write(*changes), PLAIN, batch_rows, CollectOutput()).run()
    assert raised.value.message == NEVER


def test_it_is_known_after_a_restart(write: Write) -> None:
    output = run_restored(write(("+I", 1, 2), ("+I", 1, 2), ("-D", 1, 2)), PLAIN)
    assert output.to_table().to_pylist() == [{"k": 1, "y": 3}]
    with pytest.raises(DataError, match=NEVER):
        run_restored(write(("+I", 1, 2), ("-D", 1, 2), ("-D", 1, 2)), PLAIN)


def test_nothing_is_kept_of_what_is_gone(write: Write) -> None:
    job = job_of(write(("+I", 1, 2), ("+I", 3, 4), ("-D", 1, 2)), PLAIN, 1, CollectOutput())
    job.run()
    assert {name: size.rows for name, size in job.state_sizes().items()} == {"Scan": 1}


def test_in_batch_it_is_the_same_error(write: Write) -> None:
    session = write(("+I", 1, 1), ("-D", 1, 2))
    with pytest.raises(DataError, match=NEVER):
        session.sql(PLAIN).batch()


@pytest.mark.parametrize(
    ("text", "checked"),
    [
        (PLAIN, True),
        ("SELECT k FROM c UNION ALL SELECT x FROM c", True),
        ("SELECT k, COUNT(*) AS n FROM c GROUP BY k", False),
        ("SELECT a.k FROM c AS a JOIN c AS b ON a.k = b.x", False),
        ("SELECT DISTINCT k FROM c", False),
    ],
)
def test_rows_are_kept_only_where_nothing_else_checks(write: Write, text: str, checked: bool) -> None:
    query: Query = write().sql(text)
    assert ("state: UNBOUNDED (rows of c, to check what is taken back)" in query.explain()) is checked
