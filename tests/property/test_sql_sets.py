"""Random set operations over rows that come and go: after every step, what DuckDB makes of the rows left."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.property.random_queries import KEYS
from tests.property.random_tables import changing_tables
from tests.property.test_sql_groups import GroupCase, hold, same
from tests.property.test_sql_windows import RANDOMLY, with_seed

CONDITIONS = ("i > 0", "f", "s IS NULL", "b <= 1", "m IS NOT NULL")
OPERATIONS = ("INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL", "UNION", "UNION ALL")


@st.composite
def cases(draw: st.DrawFn) -> GroupCase:
    """Two or three readings of t, chained by set operations, perhaps with a count on top."""
    columns = ", ".join(draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True)))
    query = ""
    for operation in ("", *draw(st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=2))):
        where = draw(st.sampled_from(["", *(f" WHERE {each}" for each in CONDITIONS)]))
        distinct = draw(st.sampled_from(["", "DISTINCT "]))
        query += f" {operation} SELECT {distinct}{columns} FROM t{where}"
    if draw(st.booleans()):
        query = f"SELECT {columns}, COUNT(*) AS n FROM ({query}) AS x GROUP BY {columns}"
    return GroupCase(draw(changing_tables()), *same(query))


@with_seed
@RANDOMLY
@given(cases(), st.integers(1, 12))
def test_sets_are_those_of_the_rows_left(case: GroupCase, some_rows: int) -> None:
    hold(case, some_rows)
