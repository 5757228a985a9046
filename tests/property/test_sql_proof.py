"""The proof: random queries of every shape over changing tables; after every step, DuckDB's answer over the rows left.

The tables take turns at random, which their times decide. STREAMSQL_EXAMPLES and STREAMSQL_SEED as for the windows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsql.errors import NotSupportedYet
from streamsql.runtime.job import Job
from streamsql.runtime.output import CollectOutput
from tests.property.random_sql import ProofCase, proof_cases
from tests.property.test_sql_groups import left_over, plain, table_rows
from tests.property.test_sql_windows import EXAMPLES, RANDOMLY, Bound, Script, bind, run_restored, text_rows, with_seed


def arrived(job: Job) -> Counter[str]:
    """How many changes of each table have been read."""
    counts = job.metrics.nodes
    return Counter({each.reader.scan.table.name: counts[each.name].rows_out for each in job.inlets})


def check_every_step(case: ProofCase, bound: Bound, some_rows: int) -> CollectOutput:
    """The folded result is what DuckDB makes of the rows left; without rows nothing is left of result and state."""
    output = CollectOutput()
    job = bound.job(some_rows, output)
    schemas = {each.name: bound.session.tables.memory(each.name).schema.to_arrow() for each in case.tables}
    with duckdb.connect(config={"threads": 1}) as connection:
        going = True
        while going:
            going = job.step()
            done = arrived(job)
            for each in case.tables:
                connection.register(each.name, left_over(each, done[each.name], schemas[each.name]))
            expected = plain(connection.sql(case.query.duckdb).fetchall())
            assert plain(table_rows(output.to_table())) == expected, f"after {dict(done)} changes"
    used = [each for each in case.tables if each.name in done]
    if all(sum(each.weights) == 0 for each in used):
        assert output.to_table().num_rows == 0
        states = {name: each.state_rows for name, each in job.metrics.nodes.items()}
        assert states == dict.fromkeys(states, 0)
    return output


def hold(case: ProofCase, some_rows: int) -> None:
    bound = bind(Script(case.tables, f"{case.query.streamsql};"))
    output = check_every_step(case, bound, some_rows)
    whole = CollectOutput()
    bound.job(65_536, whole).run()
    assert plain(table_rows(whole.to_table())) == plain(table_rows(output.to_table())), "the whole run"
    assert run_restored(bound, some_rows)[0] == text_rows(output.to_table()), "the restored run"
    unexplained = bound.query().compare().unexplained
    assert unexplained.rows == 0, (unexplained.stream_only.to_pylist(), unexplained.batch_only.to_pylist())


def prove(hold: Callable[[ProofCase, int], None], examples: int) -> None:
    """`hold` random cases in steps of some rows; nearly all of them must run."""
    ran: Counter[Any] = Counter()

    @with_seed
    @settings(RANDOMLY, max_examples=examples)
    @given(proof_cases(), st.integers(1, 12))
    def check(case: ProofCase, some_rows: int) -> None:
        try:
            hold(case, some_rows)
        except NotSupportedYet as error:
            ran[error.message] += 1
        else:
            ran["ran"] += 1

    check()
    assert ran["ran"] > 0.9 * ran.total(), ran


def test_every_query_is_what_the_rows_left_give() -> None:
    prove(hold, 2 * EXAMPLES)
