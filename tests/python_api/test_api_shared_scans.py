"""INSERTs that run together read each table once, and compute once what they have in common."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import streamsql
from streamsql.plan.logical import Table
from streamsql.ports import Source
from streamsql.runtime.job import Job
from streamsql.tables import SessionTables

DDL = """
CREATE TABLE bids (item STRING, price INT, buyer STRING)
WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');
CREATE TABLE totals (item STRING, total INT);
CREATE TABLE dear (item STRING, total INT);
CREATE TABLE buyers (buyer STRING, n BIGINT);
"""
INSERTS = """
INSERT INTO totals SELECT item, SUM(price) FROM bids GROUP BY item;
INSERT INTO dear SELECT item, total FROM (SELECT item, SUM(price) AS total FROM bids GROUP BY item) WHERE total > 5;
INSERT INTO buyers SELECT buyer, COUNT(*) FROM bids GROUP BY buyer;
"""


@pytest.mark.parametrize("text", [INSERTS, f"EXECUTE STATEMENT SET BEGIN {INSERTS} END"], ids=["script", "set"])
def test_a_table_is_read_once(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bids.csv"
    path.write_text("item,price,buyer\npen,3,ann\nink,1,bob\npen,4,bob\n")
    opened: Counter[str] = Counter()
    nodes: list[str] = []
    open_source, run = SessionTables.open_source, Job.run

    def counted(tables: SessionTables, table: Table, *, follow: bool = False) -> Source:
        opened[table.name] += 1
        return open_source(tables, table, follow=follow)

    def noted(job: Job) -> None:
        nodes.extend(type(each.plan).__name__ for each in job.nodes)
        run(job)

    monkeypatch.setattr(SessionTables, "open_source", counted)
    monkeypatch.setattr(Job, "run", noted)
    with streamsql.connect() as session:
        session.execute(DDL.format(path=path) + text)
        assert opened == {"bids": 1}
        assert nodes.count("Aggregate") == 2
        assert sorted(session.sql("SELECT * FROM totals")) == [("ink", 1), ("pen", 7)]
        assert sorted(session.sql("SELECT * FROM dear")) == [("pen", 7)]
        assert sorted(session.sql("SELECT * FROM buyers")) == [("ann", 1), ("bob", 2)]
