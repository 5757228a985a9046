"""Random Top-N, deduplication and LIMIT over rows that come and go: after every step, DuckDB's answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.property.random_queries import KEYS
from tests.property.random_tables import VALUES, changing_tables
from tests.property.test_sql_groups import GroupCase, Pair, hold
from tests.property.test_sql_windows import RANDOMLY, with_seed

COLUMNS = (*VALUES, "ts")
ALL = ", ".join(COLUMNS)


@st.composite
def orders(draw: st.DrawFn) -> str:
    """One or two sort keys, for both engines."""
    columns = draw(st.lists(st.sampled_from(tuple(VALUES)), min_size=1, max_size=2, unique=True))
    terms = []
    for each in columns:
        descending = draw(st.booleans())
        nulls = draw(st.sampled_from([None, None, "FIRST", "LAST"])) or ("LAST" if descending else "FIRST")
        terms.append(f"{each} {'DESC' if descending else 'ASC'} NULLS {nulls}")
    return ", ".join(terms)


def ranges(last: int, first: int) -> str:
    return f"rn <= {last}" if first == 1 else f"rn BETWEEN {first} AND {last}"


@st.composite
def ranked(draw: st.DrawFn) -> Pair:
    """The rows of some ranks of each partition, with their rank or without it."""
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=2, unique=True))
    function = draw(st.sampled_from(["ROW_NUMBER", "ROW_NUMBER", "RANK", "DENSE_RANK"]))
    order = draw(orders())
    last = draw(st.integers(1, 3))
    bounds = ranges(last, draw(st.integers(1, last)))
    by = f"PARTITION BY {', '.join(keys)} " if keys else ""
    shown = f"{ALL}, rn" if draw(st.booleans()) else ALL
    ties = ", {ties}" if function == "ROW_NUMBER" else ""
    query = "SELECT {0} FROM (SELECT *, {1}() OVER ({2}ORDER BY {3}) AS rn FROM t) WHERE {4}"
    return (
        query.format(shown, function, by, order, bounds),
        query.format(shown, function, by, order + ties, bounds),
    )


@st.composite
def over_groups(draw: st.DrawFn) -> Pair:
    """The best groups: their sums change, and so do their ranks; equal ones go by key."""
    key, other = draw(st.lists(st.sampled_from(KEYS), min_size=2, max_size=2, unique=True))
    last = draw(st.integers(1, 2))
    by = draw(st.sampled_from(["", f"PARTITION BY {other} "]))
    keys = f"{key}, {other}" if by else key
    ties = ", ".join(f"{each} NULLS FIRST" for each in sorted(keys.split(", "), key=keys.index))
    inner = f"SELECT {keys}, COUNT(*) AS n, MAX(b) AS top FROM t GROUP BY {keys}"
    query = "SELECT {0}, n, top, rn FROM (SELECT *, ROW_NUMBER() OVER ({1}ORDER BY n DESC{2}) AS rn FROM ({3}) AS g)"
    query += f" WHERE rn <= {last}"
    return query.format(keys, by, "", inner), query.format(keys, by, f", {ties}", inner)


@st.composite
def limited(draw: st.DrawFn) -> Pair:
    """What is counted of the first rows: LIMIT and OFFSET below an aggregate are kept up to date."""
    column = draw(st.sampled_from(["i", "b", "m"]))
    descending = draw(st.booleans())
    nulls = "LAST" if descending else "FIRST"
    order = f"{column} {'DESC' if descending else 'ASC'} NULLS {nulls}"
    limit = draw(st.sampled_from(["LIMIT 2", "LIMIT 1 OFFSET 1", "LIMIT 3 OFFSET 2", "OFFSET 1", "LIMIT 0"]))
    inner = f"SELECT {column} AS v FROM t ORDER BY {order} {limit}"
    query = f"SELECT COUNT(*) AS n, MIN(v) AS low, MAX(v) AS high FROM ({inner}) AS x"
    return query, f"{query} HAVING COUNT(*) > 0"


@st.composite
def cases(draw: st.DrawFn) -> GroupCase:
    table = draw(changing_tables())
    ours, theirs = draw(st.one_of(ranked(), ranked(), over_groups(), limited()))
    # Where rows may be taken back, equal ones go by their columns, else as they came.
    ties = ", ".join(f"{each} NULLS FIRST" for each in COLUMNS) if table.updating else "arrival"
    return GroupCase(table, ours, theirs.replace("{ties}", ties))


@with_seed
@RANDOMLY
@given(cases(), st.integers(1, 12))
def test_ranks_are_those_of_the_rows_left(case: GroupCase, some_rows: int) -> None:
    hold(case, some_rows)
