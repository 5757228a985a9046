"""Random subqueries over rows that come and go: after every step, what DuckDB makes of the rows left."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.property.random_queries import KEYS
from tests.property.random_tables import changing_tables
from tests.property.test_sql_groups import GroupCase, Pair, hold, same
from tests.property.test_sql_windows import RANDOMLY, with_seed

NUMBERS = ("i", "b", "m")
CORRELATIONS = (
    "u.s = t.s",
    "u.i = t.i",
    "u.b = t.i",
    "u.i < t.b",
    "u.s = t.s AND u.f = t.f",
    "u.s = t.s AND u.i <> t.i",
    "u.s IS NOT DISTINCT FROM t.s AND u.b >= t.b",
    "u.f",
    "u.i > 0",
)
AGGREGATES: tuple[Pair, ...] = (
    same("COUNT(*)"),
    same("COUNT(u.i) + 1"),
    same("MAX(u.b)"),
    same("COALESCE(MIN(u.i), -7)"),
    same("MIN(u.s)"),
    ("SUM(u.i)", "CAST(SUM(u.i) AS INT)"),
    same("MAX(u.b) - MIN(t.b)"),
)
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


@st.composite
def scalars(draw: st.DrawFn) -> Pair:
    """One value: of an aggregate, with HAVING perhaps, or of the best row."""
    where = draw(st.sampled_from(CORRELATIONS))
    if draw(st.integers(0, 3)) == 0:
        order = draw(st.sampled_from(["u.b DESC NULLS LAST", "-u.b NULLS LAST"]))
        return same(f"(SELECT u.b FROM t AS u WHERE {where} ORDER BY {order} LIMIT 1)")
    ours, theirs = draw(st.sampled_from(AGGREGATES[:-1]))
    having = draw(st.sampled_from(["", "", " HAVING COUNT(*) > 1", " HAVING MIN(u.i) > 0"]))
    return tuple(f"(SELECT {each} FROM t AS u WHERE {where}{having})" for each in (ours, theirs))  # type: ignore[return-value]


@st.composite
def memberships(draw: st.DrawFn) -> str:
    """EXISTS, IN, ANY or ALL, for both engines."""
    where = draw(st.sampled_from(["", *(f" WHERE {each}" for each in CORRELATIONS)]))
    negated = draw(st.sampled_from(["", "NOT "]))
    match draw(st.sampled_from(["exists", "in", "in pair", "quantified", "grouped"])):
        case "exists":
            return f"{negated}EXISTS (SELECT 1 FROM t AS u{where})"
        case "in":
            column = draw(st.sampled_from([*NUMBERS, "s"]))
            return f"t.{column} {negated}IN (SELECT u.{column} FROM t AS u{where})"
        case "in pair":
            alone = draw(st.sampled_from(["", " WHERE u.f", " WHERE u.i > 0"]))  # DuckDB takes no correlated pairs
            return f"(t.i, t.s) {negated}IN (SELECT u.b, u.s FROM t AS u{alone})"
        case "grouped":
            return f"t.b {negated}IN (SELECT COUNT(*) FROM t AS u{where} GROUP BY u.f)"
        case _:
            operator = draw(st.sampled_from(COMPARISONS))
            quantifier = draw(st.sampled_from(["ANY", "ALL"]))
            return f"t.i {operator} {quantifier} (SELECT u.i FROM t AS u{where})"


@st.composite
def selected(draw: st.DrawFn) -> Pair:
    """Subqueries as items of SELECT."""
    column = draw(st.sampled_from(KEYS))
    (ours, theirs), (second, their_second) = draw(scalars()), draw(scalars())
    found = draw(memberships())
    query = "SELECT t.{0}, {1} AS x, {2} AS y, {3} AS z FROM t"
    return query.format(column, ours, second, found), query.format(column, theirs, their_second, found)


@st.composite
def conditions(draw: st.DrawFn) -> Pair:
    """Subqueries in WHERE, under AND, OR and NOT."""
    column, operator = draw(st.sampled_from(KEYS)), draw(st.sampled_from(COMPARISONS))
    first, second, (ours, theirs) = draw(memberships()), draw(memberships()), draw(scalars())
    form = draw(
        st.sampled_from(
            [
                "{1}",
                "{1} AND {2}",
                "{1} OR {2}",
                "{1} OR t.f",
                "NOT ({1} AND {2})",
                "t.i {3} {4}",
                "{1} AND t.b {3} {4}",
            ]
        )
    )
    query = "SELECT t.{0} FROM t WHERE " + form
    if "SELECT MIN(u.s)" in ours or "SELECT MAX(u.s)" in ours:
        query = query.replace("{3} {4}", "IS NOT NULL")
    return query.format(column, first, second, operator, ours), query.format(column, first, second, operator, theirs)


@st.composite
def groups(draw: st.DrawFn) -> Pair:
    """Subqueries beside aggregates, in HAVING and in their arguments."""
    key = draw(st.sampled_from(["s", "i"]))
    forms = (
        "SELECT t.{0}, COUNT(*) AS n FROM t GROUP BY t.{0} HAVING COUNT(*) >="
        " (SELECT COUNT(*) FROM t AS u WHERE u.{0} = t.{0} AND u.f)",
        "SELECT t.{0}, MAX(t.b) AS n, (SELECT COUNT(*) FROM t AS u WHERE u.{0} = t.{0}) AS c FROM t GROUP BY t.{0}",
        "SELECT t.{0}, COUNT(*) AS n FROM t GROUP BY t.{0} HAVING MAX(t.b) IN (SELECT u.b FROM t AS u WHERE u.f)",
        "SELECT MAX((SELECT COUNT(*) FROM t AS u WHERE u.{0} = t.{0})) AS n FROM t HAVING COUNT(*) > 0",
    )
    return same(draw(st.sampled_from(forms)).format(key))


@st.composite
def laterals(draw: st.DrawFn) -> Pair:
    """Rows made for each row."""
    where = draw(st.sampled_from(CORRELATIONS))
    join = draw(st.sampled_from(["CROSS JOIN LATERAL {0} AS l", "LEFT JOIN LATERAL {0} AS l ON TRUE"]))
    inner = draw(
        st.sampled_from(
            [
                "(SELECT u.b AS v FROM t AS u WHERE {0} ORDER BY u.b NULLS FIRST LIMIT 2)",
                "(SELECT COUNT(*) AS v FROM t AS u WHERE {0})",
                "(SELECT DISTINCT u.i AS v FROM t AS u WHERE {0})",
                "(SELECT MAX(u.b) AS v FROM t AS u WHERE {0} GROUP BY u.f)",
                "(SELECT u.i AS v FROM t AS u WHERE {0} UNION ALL SELECT t.i)",
            ]
        )
    )
    return same(f"SELECT t.s, l.v FROM t {join}".format(inner.format(where)))


@st.composite
def cases(draw: st.DrawFn) -> GroupCase:
    ours, theirs = draw(st.one_of(selected(), conditions(), conditions(), groups(), laterals()))
    return GroupCase(draw(changing_tables()), ours, theirs)


@with_seed
@RANDOMLY
@given(cases(), st.integers(1, 12))
def test_subqueries_are_those_of_the_rows_left(case: GroupCase, some_rows: int) -> None:
    hold(case, some_rows)
