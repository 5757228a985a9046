"""Deduplication by event time and by arrival over disordered rows: the same at every cut, and what DuckDB says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.property.random_queries import KEYS
from tests.property.random_tables import VALUES, tables
from tests.property.test_sql_windows import RANDOMLY, Script, hold, with_seed


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """The first or last row of each partition, or the first few, with and without their rank."""
    table = draw(tables("t", draw(st.sampled_from(["TIMESTAMP(3)", "TIMESTAMP_LTZ(3)"])), None))
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=2, unique=True))
    by = f"PARTITION BY {', '.join(keys)} " if keys else ""
    order = draw(st.sampled_from(["ts", "ts DESC", "PROCTIME()", "PROCTIME() DESC", "ts, i"]))
    condition = draw(st.sampled_from(["rn = 1", "rn <= 2", "rn BETWEEN 2 AND 3"]))
    shown = ", ".join((*VALUES, "ts", *draw(st.sampled_from([(), ("rn",)]))))
    query = f"SELECT *, ROW_NUMBER() OVER ({by}ORDER BY {order}) AS rn FROM t"
    return Script((table,), f"SELECT {shown} FROM ({query}) WHERE {condition};")


@with_seed
@RANDOMLY
@given(scripts(), st.integers(1, 12))
def test_first_and_last_rows_are_the_same_however_they_run(script: Script, some_rows: int) -> None:
    hold(script, some_rows)
