"""Random queries as materialised views: after every write, what DuckDB makes of the rows left, for all readers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb
import numpy as np

from streamsql.session import Session
from streamsql.time import ManualClock
from tests.property.random_sql import ProofCase
from tests.property.random_tables import RandomTable
from tests.property.test_sql_groups import left_over, plain, table_rows
from tests.property.test_sql_proof import prove
from tests.property.test_sql_windows import EXAMPLES


def write(session: Session, table: RandomTable, begin: int, end: int) -> None:
    """Some of a table's changes at once."""
    memory, weights = session.tables.memory(table.name), table.weights[begin:end]
    rows = table.batch(table.rows[begin:end], memory.schema.to_arrow())
    memory.append(rows, np.array(weights, np.int8) if min(weights) < 0 else None)


def hold(case: ProofCase, some_rows: int) -> None:
    """The tables take turns; `kept` is followed by a view and by a live query."""
    session = Session(clock=ManualClock(0))
    for each in case.tables:
        session.execute(each.ddl)
    session.execute(f"CREATE MATERIALIZED VIEW kept AS {case.query.streamsql}")
    session.execute("CREATE MATERIALIZED VIEW copied AS SELECT * FROM kept")
    changes = session.sql("SELECT * FROM copied").changes()
    followed: Counter[tuple[Any, ...]] = Counter()
    schemas = {each.name: session.tables.memory(each.name).schema.to_arrow() for each in case.tables}
    done = dict.fromkeys(schemas, 0)
    with session, duckdb.connect(config={"threads": 1}) as connection:
        for begin in range(0, max(len(each.rows) for each in case.tables), some_rows):
            for each in case.tables:
                end = min(begin + some_rows, len(each.rows))
                if begin < end:
                    write(session, each, begin, end)
                    done[each.name] = end
                for table in case.tables:
                    connection.register(table.name, left_over(table, done[table.name], schemas[table.name]))
                expected = plain(connection.sql(case.query.duckdb).fetchall())
                for name in ("kept", "copied"):
                    found = plain(table_rows(session.sql(f"SELECT * FROM {name}").to_arrow()))
                    assert found == expected, f"{name} after {done} changes"
                for op, row in changes.drain(30):
                    followed[str(tuple(row))] += 1 if op in ("+I", "+U") else -1
                assert sum(followed.values()) == expected.total(), f"followed after {done} changes"
        assert min(followed.values(), default=0) >= 0


def test_every_view_is_what_the_rows_left_give() -> None:
    prove(hold, EXAMPLES // 2)
