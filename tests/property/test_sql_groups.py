"""Random updating GROUP BYs over rows that come and go: after every step, what DuckDB makes of the rows left.

The queries are written twice, once for each engine; STREAMSQL_EXAMPLES and STREAMSQL_SEED as for the windows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from streamsql.runtime.output import CollectOutput
from tests.property.random_queries import CONDITIONS, KEYS
from tests.property.random_tables import VALUES, RandomTable, changing_tables
from tests.property.test_sql_windows import RANDOMLY, Script, bind, run_restored, text_rows, with_seed

Pair = tuple[str, str]
"""An expression or query for streamsql, and the same for DuckDB."""


def same(text: str) -> Pair:
    return text, text


INTEGER_VARIANCE = "CAST((SUM(i * i) - SUM(i) * SUM(i) // COUNT(i)) // COUNT(i) AS INT)"
_KNOWN = " AND ".join(f"{each} IS NOT NULL" for each in (*VALUES, "ts"))
EVERYTHING = f"COUNT({', '.join((*VALUES, 'ts'))})", f"COUNT(*) FILTER (WHERE {_KNOWN})"
"""Reads all columns, so that it is certain which row is taken back."""
AGGREGATES: tuple[Pair, ...] = (
    same("COUNT(*)"),
    same("COUNT(m)"),
    same("COUNT(DISTINCT s)"),
    same("COUNT(DISTINCT d)"),
    ("COUNT(DISTINCT i, f)", "COUNT(DISTINCT (i, f)) FILTER (WHERE i IS NOT NULL AND f IS NOT NULL)"),
    ("SUM(i)", "CAST(SUM(i) AS INT)"),
    ("SUM(DISTINCT b)", "CAST(SUM(DISTINCT b) AS BIGINT)"),
    same("SUM(d)"),
    same("SUM(m)"),
    ("AVG(i)", "CAST(TRUNC(AVG(i)) AS INT)"),
    same("AVG(d)"),
    ("AVG(m)", "CAST(ROUND(CAST(SUM(m) AS DOUBLE) / COUNT(m), 6) AS DECIMAL(38, 6))"),
    ("LISTAGG(s, ';')", "STRING_AGG(s, ';' ORDER BY arrival)"),
    ("LISTAGG(s) WITHIN GROUP (ORDER BY b DESC)", "STRING_AGG(s, ',' ORDER BY b DESC NULLS LAST, arrival)"),
    ("FIRST_VALUE(i)", "FIRST(i ORDER BY arrival) FILTER (WHERE i IS NOT NULL)"),
    ("LAST_VALUE(d)", "LAST(d ORDER BY arrival) FILTER (WHERE d IS NOT NULL)"),
    ("LAST_VALUE(s) FILTER (WHERE f)", "LAST(s ORDER BY arrival) FILTER (WHERE s IS NOT NULL AND f)"),
    ("ARRAY_AGG(m)", "LIST(m ORDER BY arrival)"),
    ("ARRAY_AGG(y) IGNORE NULLS", "LIST(y ORDER BY arrival) FILTER (WHERE y IS NOT NULL)"),
    ("COLLECT(b)", "COALESCE(HISTOGRAM(b), MAP {})"),
    ("MODE(i)", "MODE(i ORDER BY arrival)"),
    ("ARG_MIN(i, m)", "FIRST(i ORDER BY m, arrival) FILTER (WHERE i IS NOT NULL AND m IS NOT NULL)"),
    ("ARG_MAX(s, d)", "FIRST(s ORDER BY d DESC, arrival) FILTER (WHERE s IS NOT NULL AND d IS NOT NULL)"),
    same("MEDIAN(b)"),
    ("QUANTILE_CONT(m, ARRAY[0.1, 0.9])", "QUANTILE_CONT(m::DOUBLE, [0.1, 0.9])"),
    same("QUANTILE_DISC(s, 0.4)"),
    same("QUANTILE_DISC(DISTINCT y, 0.7)"),
    same("PERCENTILE_DISC(0.3) WITHIN GROUP (ORDER BY i DESC)"),
    same("BOOL_AND(f)"),
    same("BOOL_OR(i > 1)"),
    same("BIT_XOR(i)"),
    same("BIT_OR(i)"),
    ("STDDEV_SAMP(CAST(m AS DOUBLE))", "STDDEV_SAMP(m::DOUBLE)"),
    ("VAR_POP(CAST(i AS DOUBLE))", "VAR_POP(i)"),
    ("VAR_POP(i)", INTEGER_VARIANCE),
    ("VAR_POP(m)", "CAST(ROUND(VAR_POP(m), 6) AS DECIMAL(38, 6))"),
    same("ROUND(CORR(i, m), 9)"),
    same("ROUND(REGR_SLOPE(m, i), 9)"),
    same("ROUND(COVAR_SAMP(i, m) FILTER (WHERE f), 9)"),
    *(same(f"{each}({column})") for each in ("MIN", "MAX") for column in VALUES),
)
HAVING = ("COUNT(*) > 1", "SUM(i) > 0", "MAX(s) = 'b'", "COUNT(DISTINCT s) <> 2", "MIN(m) IS NULL")


@dataclass(frozen=True)
class GroupCase:
    """A query over t in both dialects, and the changes of t."""

    table: RandomTable
    streamsql: str
    duckdb: str

    def __repr__(self) -> str:
        return f"\n{self.table!r}\n--- sql\n{self.streamsql};\n--- DuckDB\n{self.duckdb};"


@st.composite
def grouped(draw: st.DrawFn) -> Pair:
    """One GROUP BY."""
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=2, unique=True))
    pairs = draw(st.lists(st.sampled_from(AGGREGATES), min_size=1, max_size=4))
    if any("arrival" in theirs for _, theirs in pairs):
        pairs.append(EVERYTHING)
    having = draw(st.sampled_from([None, None, *HAVING]))
    where = draw(st.sampled_from(["", "", *(f" WHERE {each}" for each in CONDITIONS if "/" not in each)]))
    ours, theirs = ([f"{pair[side]} AS a{index}" for index, pair in enumerate(pairs)] for side in (0, 1))
    sets = draw(st.sampled_from(["{}", "{}", "ROLLUP ({})", "CUBE ({})", "GROUPING SETS (({}), ())"]))
    group = f" GROUP BY {sets.format(', '.join(keys))}" if keys else ""
    conditions = [having] if having else []
    our_having = f" HAVING {having}" if having else ""
    their_having = f" HAVING {' AND '.join([*conditions, 'COUNT(*) > 0'])}"
    return (
        f"SELECT {', '.join([*keys, *ours])} FROM t{where}{group}{our_having}",
        f"SELECT {', '.join([*keys, *theirs])} FROM t{where}{group}{their_having}",
    )


@st.composite
def distinct(draw: st.DrawFn) -> Pair:
    """Rows once: DISTINCT, and UNION of two readings."""
    columns = ", ".join(draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True)))
    if draw(st.booleans()):
        return same(f"SELECT DISTINCT {columns} FROM t")
    return same(f"SELECT {columns} FROM t WHERE i > 0 UNION SELECT {columns} FROM t WHERE f")


@st.composite
def nested(draw: st.DrawFn) -> Pair:
    """A GROUP BY over a GROUP BY or over UNION ALL: groups move, histograms change."""
    key = draw(st.sampled_from(KEYS))
    having = draw(st.sampled_from(["", *(f" HAVING {each}" for each in HAVING)]))
    inner = "SELECT {0} AS k, COUNT(*) AS n, {1} AS total, MAX(m) AS top, MIN(s) AS low FROM t GROUP BY {0}" + having
    ours, theirs = inner.format(key, "SUM(i)"), inner.format(key, "CAST(SUM(i) AS INT)")
    outer = draw(
        st.sampled_from(
            [
                "SELECT n, COUNT(*) AS c, MIN(k) AS mn, MAX(top) AS mx FROM ({0}) AS x GROUP BY n",
                "SELECT low, COUNT(DISTINCT total) AS c, SUM(top) AS s FROM ({0}) AS x WHERE n <> 3 GROUP BY low",
                "SELECT MAX(n) AS n, COUNT(total) AS c FROM ({0}) AS x GROUP BY low HAVING MAX(n) > 1",
                "SELECT DISTINCT n, total FROM ({0}) AS x",
                "SELECT x.n, x.low, COUNT(*) AS c, MAX(x.total) AS t FROM (SELECT n, total, low FROM ({0}) AS p"
                " UNION ALL SELECT n, total, low FROM ({0}) AS q WHERE n > 1) AS x GROUP BY x.n, x.low",
                "SELECT c, COUNT(*) AS cc FROM (SELECT n, COUNT(*) AS c FROM ({0}) AS x GROUP BY n) AS z GROUP BY c",
            ]
        )
    )
    return outer.format(ours), outer.format(theirs)


@st.composite
def cases(draw: st.DrawFn) -> GroupCase:
    table = draw(changing_tables())
    ours, theirs = draw(st.one_of(grouped(), grouped(), distinct(), nested()))
    return GroupCase(table, ours, theirs)


def plain(rows: Any) -> Counter[str]:
    """Rows as texts: -0.0 is 0.0, floats to 9 digits, decimals without their zeros at the end."""
    return Counter(str(tuple(_plain(each) for each in row)) for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return format(value + 0.0, ".9g")
    if isinstance(value, dict):
        value = sorted(value.items())
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value


def table_rows(table: pa.Table) -> Any:
    return zip(*(each.to_pylist() for each in table.columns), strict=True) if table.num_columns else ()


def left_over(table: RandomTable, changes: int, schema: pa.Schema) -> pa.Table:
    """The rows that are there after so many changes."""
    rows: list[tuple[Any, ...]] = []
    for row, weight in list(zip(table.rows, table.weights, strict=True))[:changes]:
        if weight > 0:
            rows.append(row)
        else:
            rows.remove(row)
    found = pa.Table.from_batches([RandomTable.batch(tuple(rows), schema)] if rows else [], schema)
    return found.append_column("arrival", pa.array(range(len(rows)), pa.int64()))


def hold(case: GroupCase, some_rows: int) -> None:
    script = Script((case.table,), f"{case.streamsql};")
    bound = bind(script)
    schema = bound.session.tables.memory("t").schema.to_arrow()
    output = CollectOutput()
    job = bound.job(some_rows, output)
    with duckdb.connect() as connection:
        done, going = 0, True
        while going:
            going = job.step()
            done += some_rows
            connection.register("t", left_over(case.table, done, schema))
            expected = connection.sql(case.duckdb).fetchall()
            assert plain(table_rows(output.to_table())) == plain(expected), f"after {done} changes"
    whole = CollectOutput()
    bound.job(65_536, whole).run()
    assert text_rows(whole.to_table()) == text_rows(output.to_table())
    assert run_restored(bound, some_rows)[0] == text_rows(output.to_table())
    unexplained = bound.query().compare().unexplained
    assert unexplained.rows == 0, (unexplained.stream_only.to_pylist(), unexplained.batch_only.to_pylist())


@with_seed
@RANDOMLY
@given(cases(), st.integers(1, 12))
def test_groups_are_what_the_rows_left_give(case: GroupCase, some_rows: int) -> None:
    hold(case, some_rows)
