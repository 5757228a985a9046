"""Random OVER windows: in time order the same at every cut and DuckDB's answer; in other orders kept up to date."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.random_queries import KEYS
from tests.property.random_tables import VALUES, changing_tables, tables
from tests.property.test_sql_groups import GroupCase, hold
from tests.property.test_sql_windows import EXAMPLES, RANDOMLY, Script, with_seed
from tests.property.test_sql_windows import hold as hold_windows

HALF_AS_MANY = settings(RANDOMLY, max_examples=max(1, EXAMPLES // 2))
COLUMNS = (*VALUES, "ts")
AGGREGATES = (
    "COUNT(*)",
    "COUNT(m)",
    "COUNT(DISTINCT s)",
    "SUM(i)",
    "SUM(d)",
    "SUM(m)",
    "AVG(i)",
    "AVG(m)",
    "LISTAGG(s)",
    "FIRST_VALUE(i)",
    "LAST_VALUE(s)",
    *(f"{each}({column})" for each in ("MIN", "MAX") for column in VALUES),
)
PLACED = ("ROW_NUMBER()", "RANK()", "DENSE_RANK()", "LAG(i)", "LAG(s, 2)", "LAG(b, 1, 7)", "LAG(m, 0)")
AHEAD = (
    "LAG(i IGNORE NULLS)",
    "LEAD(s, 2, 'x' IGNORE NULLS)",
    "LEAD(i)",
    "LEAD(s, 2, 'x')",
    "NTILE(2)",
    "PERCENT_RANK()",
    "CUME_DIST()",
)
FRAMES = (
    "",
    "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW",
    "ROWS UNBOUNDED PRECEDING",
    "ROWS 1 PRECEDING",
    "RANGE BETWEEN INTERVAL '3' SECOND PRECEDING AND CURRENT ROW",
    "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
)
ANY_FRAMES = (
    "",
    "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
    "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
    "RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    "RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING",
    "ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING",
    "ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING",
    "RANGE BETWEEN 3 PRECEDING AND 1 PRECEDING",
    "RANGE BETWEEN 1 FOLLOWING AND 2 FOLLOWING",
    "GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
    "GROUPS BETWEEN 1 FOLLOWING AND 2 FOLLOWING EXCLUDE TIES",
    "GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING EXCLUDE GROUP",
    "ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW",
    "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE TIES",
)


@st.composite
def windows(draw: st.DrawFn, order: str, frames: tuple[str, ...], calls: tuple[str, ...]) -> str:
    """Some calls over one or two windows."""
    found = []
    for index in range(draw(st.integers(1, 2))):
        keys = draw(st.lists(st.sampled_from(KEYS), max_size=2, unique=True))
        by = f"PARTITION BY {', '.join(keys)} " if keys else ""
        frame = draw(st.sampled_from(frames))
        for at, call in enumerate(draw(st.lists(st.sampled_from(calls), min_size=1, max_size=3))):
            framed = "" if call in (*PLACED, *AHEAD) else frame
            found.append(f"{call} OVER ({by}ORDER BY {order} {framed}) AS r{index}{at}")
    return ", ".join(found)


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """By event time or by arrival, over rows that are only added."""
    table = draw(tables("t", draw(st.sampled_from(["TIMESTAMP(3)", "TIMESTAMP_LTZ(3)"])), None))
    order = draw(st.sampled_from(["ts", "ts", "ts", "PROCTIME()"]))
    frames = tuple(each for each in FRAMES if order == "ts" or "INTERVAL" not in each)
    results = draw(windows(order, frames, (*AGGREGATES, *PLACED)))
    return Script((table,), f"SELECT {', '.join(COLUMNS)}, {results} FROM t;")


@st.composite
def cases(draw: st.DrawFn) -> GroupCase:
    """By any column, over rows that may be taken back: equal rows go by all their columns."""
    table = draw(changing_tables())
    column = draw(st.sampled_from(["i", "b", "i"]))
    direction = draw(st.sampled_from(["ASC NULLS FIRST", "DESC NULLS LAST"]))
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=1, unique=True))
    by = f"PARTITION BY {', '.join(keys)} " if keys else ""
    ties = ", ".join(f"{each} NULLS FIRST" for each in COLUMNS)
    ours, theirs = [], []
    for at in range(draw(st.integers(1, 3))):
        call = draw(
            st.sampled_from(("COUNT(*)", "MAX(m)", "MIN(s)", "COUNT(DISTINCT s)", "NTH_VALUE(m, 2)", *PLACED, *AHEAD))
        )
        frame = draw(st.sampled_from(ANY_FRAMES))
        peers = call in ("RANK()", "DENSE_RANK()", "PERCENT_RANK()", "CUME_DIST()")
        if call in (*PLACED, *AHEAD):
            frame = ""
        sorted_by = f"{column} {direction}"
        by_rows = not peers and (frame.startswith("ROWS") or call in (*PLACED, *AHEAD))
        ours.append(f"{call} OVER ({by}ORDER BY {sorted_by} {frame}) AS r{at}")
        theirs.append(f"{call} OVER ({by}ORDER BY {f'{sorted_by}, {ties}' if by_rows else sorted_by} {frame}) AS r{at}")
    shown = ", ".join(COLUMNS)
    return GroupCase(table, f"SELECT {shown}, {', '.join(ours)} FROM t", f"SELECT {shown}, {', '.join(theirs)} FROM t")


@with_seed
@HALF_AS_MANY
@given(scripts(), st.integers(1, 12))
def test_over_time_is_the_same_however_it_runs(script: Script, some_rows: int) -> None:
    hold_windows(script, some_rows)


@with_seed
@HALF_AS_MANY
@given(cases(), st.integers(1, 12))
def test_over_values_is_what_the_rows_left_give(case: GroupCase, some_rows: int) -> None:
    hold(case, some_rows)
