"""Queries by time over a materialised view: after every write they say what they say with the view's query in its
place, read as a whole in any batches too."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import streamsql
from streamsql.session import Session

VIEWS = {
    "v": "SELECT k, v, ts FROM t WHERE v <> 3",
    "p": "SELECT k, v * 2 AS v, ts FROM (SELECT * FROM t UNION ALL SELECT * FROM t2)",
    "c": "SELECT k, s AS v, window_time AS ts FROM (SELECT k, SUM(v) AS s, window_time FROM TABLE(TUMBLE(TABLE t, "
    "DESCRIPTOR(ts), INTERVAL '2' SECOND)) GROUP BY k, window_start, window_end, window_time)",
}
_TUMBLE = "TABLE(TUMBLE({}, DESCRIPTOR(ts), INTERVAL '4' SECOND))"
QUERIES = {
    "tumble": f"SELECT window_start, k, COUNT(*) AS n FROM {_TUMBLE} GROUP BY window_start, window_end, k",
    "hop": "SELECT window_start, SUM(v) AS n FROM TABLE(HOP({}, DESCRIPTOR(ts), INTERVAL '2' SECOND, "
    "INTERVAL '6' SECOND)) GROUP BY window_start, window_end",
    "session": "SELECT window_start, window_end, k, COUNT(*) AS n FROM TABLE(SESSION({} PARTITION BY k, "
    "DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end, k",
    "over": "SELECT k, v, SUM(v) OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS s "
    "FROM {}",
    "first": "SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts) AS r FROM {}) WHERE r = 1",
    "join": "SELECT a.k, a.v, b.v AS w FROM {} AS a JOIN t2 AS b ON a.k = b.k AND b.ts BETWEEN a.ts - INTERVAL '2' "
    "SECOND AND a.ts + INTERVAL '1' SECOND",
}


def _session() -> Session:
    session = streamsql.connect()
    for name in ("t", "t2"):
        session.sql(
            f"CREATE TABLE {name} (k INT, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)"
        )
    return session


def _over(query: str, view: str, *, inlined: bool) -> str:
    from_table = "TABLE(" in query
    if inlined:
        return query.format(f"({VIEWS[view]})")
    return query.format(f"TABLE {view}" if from_table else view)


def _rows(session: Session, sql: str) -> Counter[str]:
    return Counter(map(str, session.sql(sql).to_arrow().to_pylist()))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", QUERIES)
def test_a_view_stands_for_its_query(view: str, name: str) -> None:
    random = np.random.default_rng([list(VIEWS).index(view), list(QUERIES).index(name)])
    session, query = _session(), QUERIES[name]
    session.sql(f"CREATE MATERIALIZED VIEW {view} AS {VIEWS[view]}")
    session.sql(f"CREATE MATERIALIZED VIEW over_view AS {_over(query, view, inlined=False)}")
    session.sql(f"CREATE MATERIALIZED VIEW in_place AS {_over(query, view, inlined=True)}")
    second = 0
    for _ in range(25):
        values = []
        for _ in range(int(random.integers(1, 4))):
            second += int(random.integers(0, 3))
            at = max(0, second - int(random.integers(0, 5)))
            time = f"TIMESTAMP '2024-01-01 00:{at // 60:02}:{at % 60:02}'"
            values.append(f"({random.integers(0, 3)}, {random.integers(0, 6)}, {time})")
        session.sql(f"INSERT INTO {random.choice(['t', 't2'])} VALUES {', '.join(values)}")
        assert _rows(session, "SELECT * FROM over_view") == _rows(session, "SELECT * FROM in_place")
    if view == "v":  # a window still open is not in `c`, and `p` keeps the order in which two tables were written
        for size in ("1", "3", "1000"):
            session.sql(f"SET 'streamsql.batch-size' = '{size}'")
            found = _rows(session, _over(query, view, inlined=False))
            assert found and found == _rows(session, _over(query, view, inlined=True))
