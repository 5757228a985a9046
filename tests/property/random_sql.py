"""Random queries over changing tables: joins, groups, ranks, windows, sets, limits and CTEs, inside each other.

A query is drawn once and written for both engines. Rows that a query chooses among by order are ordered by all of
their columns, so that every query has one answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from tests.property.random_sql_joins import joined, key_pairs, members, nearest, with_values
from tests.property.random_sql_parts import (
    COUNTED,
    Columns,
    Written,
    conditions,
    order_of,
    projected,
    readings,
    renamed,
    shuffled,
    written,
)
from tests.property.random_tables import NEVER_LATE, VALUES, RandomTable, changing_tables

SETS = ("UNION ALL", "UNION", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL")
FRAMES = (
    "",
    "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
    "ROWS UNBOUNDED PRECEDING",
    "RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
)
KEY_PLACES = (list(VALUES).index("i"), list(VALUES).index("s"))


@dataclass(frozen=True)
class ProofCase:
    """Tables and a query over them."""

    tables: tuple[RandomTable, ...]
    query: Written

    def __repr__(self) -> str:
        rows = "\n".join(repr(each) for each in self.tables)
        return f"\n{rows}\n--- sql\n{self.query.streamsql};\n--- DuckDB\n{self.query.duckdb};"


@st.composite
def aggregates(draw: st.DrawFn, columns: Columns) -> tuple[str, str]:
    """An aggregate and its type."""
    name, type_ = draw(st.sampled_from(columns))
    forms = [("COUNT(*)", "INT"), (f"COUNT({name})", "INT"), (f"COUNT(DISTINCT {name})", "INT")]
    forms += [(f"{each}({name})", type_) for each in ("MIN", "MAX")]
    if type_ in ("INT", "DECIMAL"):
        forms += [(f"SUM({name})", type_), (f"SUM(DISTINCT {name})", type_)]
    if type_ == "BOOL":
        forms += [(f"BOOL_AND({name})", type_), (f"BOOL_OR({name})", type_)]
    text, found = draw(st.sampled_from(forms))
    chosen = f" FILTER (WHERE {draw(conditions(columns))})" if draw(st.integers(0, 4)) == 0 else ""
    return f"{text}{chosen}", found


@st.composite
def grouped(draw: st.DrawFn, source: Written) -> Written:
    """Aggregates by some keys."""
    keys = draw(st.lists(st.sampled_from(source.columns), max_size=2, unique=True))
    shown = [*keys, *draw(st.lists(aggregates(source.columns), min_size=1, max_size=3))]
    listed, columns = renamed(shown)
    sets = draw(st.sampled_from(["{}"] * 5 + ["ROLLUP ({})", "CUBE ({})", "GROUPING SETS (({}), ())"]))
    group = f" GROUP BY {sets.format(', '.join(name for name, _ in keys))}" if keys else ""
    query = f"SELECT {listed} FROM {{0}} AS g{group}"
    if draw(st.integers(0, 3)) == 0:
        form = draw(st.sampled_from(["COUNT(*) > 1", "{} IS NOT NULL", "COUNT({}) <> 2", "COUNT(*) < 3"]))
        call = shown[-1][0] if "IS NOT" in form else draw(st.sampled_from(source.of()))
        having = f" HAVING {form.format(call)}"
        return written(query + having, columns, source, theirs=f"{query}{COUNTED} AND {having[8:]}")
    return written(query, columns, source, theirs=query + COUNTED)


@st.composite
def ranked(draw: st.DrawFn, source: Written) -> Written:
    """The first rows of each partition."""
    function = draw(st.sampled_from(["ROW_NUMBER", "ROW_NUMBER", "RANK", "DENSE_RANK"]))
    keys = draw(st.lists(st.sampled_from(source.of()), max_size=2, unique=True))
    by = f"PARTITION BY {', '.join(keys)} " if keys else ""
    ordered = shuffled(source.of(), draw)
    if function != "ROW_NUMBER":
        ordered = ordered[: draw(st.integers(1, 2))]
    last = draw(st.integers(1, 3))
    bound = draw(st.sampled_from([f"rn <= {last}", f"rn = {last}", f"rn BETWEEN 2 AND {last + 1}", f"rn < {last + 1}"]))
    shown = [*source.columns, ("rn", "INT")] if draw(st.booleans()) else source.columns
    listed, columns = renamed(shown)
    window = f"{function}() OVER ({by}ORDER BY {order_of(ordered, draw)}) AS rn"
    return written(f"SELECT {listed} FROM (SELECT *, {window} FROM {{0}} AS w) AS x WHERE {bound}", columns, source)


@st.composite
def over(draw: st.DrawFn, source: Written) -> Written:
    """Results beside the rows of each partition."""
    keys = draw(st.lists(st.sampled_from(source.of()), max_size=1))
    by = f"PARTITION BY {', '.join(keys)} " if keys else ""
    order = order_of(shuffled(source.of(), draw), draw)
    name, type_ = draw(st.sampled_from(source.columns))
    frame = draw(st.sampled_from(FRAMES))
    calls = [(f"COUNT({name})", "INT", frame), (f"MAX({name})", type_, frame), (f"MIN({name})", type_, frame)]
    calls += [(f"LAG({name})", type_, ""), (f"LEAD({name}, 2)", type_, ""), ("ROW_NUMBER()", "INT", "")]
    calls += [("RANK()", "INT", ""), (f"FIRST_VALUE({name})", type_, frame)]
    call, found, framed = draw(st.sampled_from(calls))
    text = f"{call} OVER ({by}ORDER BY {order} {framed})"
    listed, columns = renamed([*source.columns, (text, found)])
    return written(f"SELECT {listed} FROM {{0}} AS o", columns, source)


@st.composite
def limited(draw: st.DrawFn, source: Written) -> Written:
    """The first rows of all."""
    limit = draw(st.sampled_from(["LIMIT 2", "LIMIT 4", "LIMIT 1 OFFSET 1", "LIMIT 3 OFFSET 2", "OFFSET 1"]))
    order = order_of(shuffled(source.of(), draw), draw)
    return written(f"SELECT * FROM (SELECT * FROM {{0}} AS y ORDER BY {order} {limit}) AS z", source.columns, source)


def counted(source: Written) -> Written:
    """How often each row is there: a query that ends with ORDER BY or LIMIT would be published at its end only."""
    columns = ", ".join(source.of())
    return written(f"SELECT {columns}, COUNT(*) AS n FROM {{0}} AS k GROUP BY {columns}", source.columns, source)


@st.composite
def set_of(draw: st.DrawFn, left: Written, right: Written) -> Written:
    """A set operation over columns of the same types."""
    pairs = key_pairs(left, right)
    if not pairs:
        return left
    chosen = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=2, unique=True))
    types = dict(left.columns)
    ours, columns = renamed([(a, types[a]) for a, _ in chosen])
    theirs, _ = renamed([(b, types[a]) for a, b in chosen])
    operation = draw(st.sampled_from(SETS))
    return written(f"SELECT {ours} FROM {{0}} AS a {operation} SELECT {theirs} FROM {{1}} AS b", columns, left, right)


ONE_INPUT: tuple[Callable[[Written], st.SearchStrategy[Written]], ...] = (projected, grouped, ranked, over, limited)
TWO_INPUTS: tuple[Callable[[Written, Written], st.SearchStrategy[Written]], ...] = (
    joined,
    joined,
    members,
    set_of,
    with_values,
    nearest,
)


@st.composite
def queries(draw: st.DrawFn, tables: tuple[str, ...], depth: int) -> Written:
    """A query whose deepest table lies so far down."""
    if depth == 0:
        return draw(readings(tables))
    shape = draw(st.sampled_from((*ONE_INPUT, *TWO_INPUTS)))
    below = draw(queries(tables, depth - 1))
    if shape in ONE_INPUT:
        return draw(shape(below))
    other = draw(queries(tables, draw(st.integers(0, min(depth - 1, 1)))))
    return draw(shape(*draw(st.permutations([below, other]))))


@st.composite
def twice(draw: st.DrawFn, tables: tuple[str, ...]) -> Written:
    """A CTE that is read twice."""
    source = draw(queries(tables, draw(st.integers(1, 2))))
    reading = Written("SELECT * FROM twice", "SELECT * FROM twice", source.columns)
    sides = [draw(st.sampled_from((reading, draw(grouped(reading))))) for _ in range(2)]
    found = draw(draw(st.sampled_from(TWO_INPUTS))(*sides))
    ours, theirs = (f"WITH twice AS ({text}) " for text in (source.streamsql, source.duckdb))
    return replace(found, streamsql=ours + found.streamsql, duckdb=theirs + found.duckdb, inputs=(source,))


@st.composite
def emptied(draw: st.DrawFn, table: RandomTable) -> RandomTable:
    """The table, with all rows that are left taken back at the end."""
    left = list(table.rows[:0])
    for row, weight in zip(table.rows, table.weights, strict=True):
        if weight > 0:
            left.append(row)
        else:
            left.remove(row)
    back = tuple(draw(st.permutations(left)))
    return replace(table, rows=table.rows + back, weights=table.weights + (-1,) * len(back))


@dataclass(frozen=True, repr=False)
class TableByKey(RandomTable):
    """A table whose rows go by i and s, which are never NULL."""

    @property
    def ddl(self) -> str:
        return super().ddl.replace(");", ", PRIMARY KEY (i, s) NOT ENFORCED);")


def by_key(table: RandomTable) -> TableByKey:
    """The table without rows that lack a key; one that is added takes the place of the one that has its key."""
    there: dict[tuple[Any, Any], tuple[Any, ...]] = {}
    changes: list[tuple[tuple[Any, ...], int]] = []
    for row, weight in zip(table.rows, table.weights, strict=True):
        key = (row[KEY_PLACES[0]], row[KEY_PLACES[1]])
        if None in key or (weight < 0 and there.get(key) != row):
            continue
        if key in there:
            changes.append((there.pop(key), -1))
        if weight > 0:
            changes.append((row, 1))
            there[key] = row
    rows, weights = zip(*changes, strict=True) if changes else ((), ())
    return TableByKey(table.name, table.time_type, table.delay, rows, weights)


@st.composite
def proof_cases(draw: st.DrawFn) -> ProofCase:
    """Two or three tables, most of which end empty, and a query up to three levels deep."""
    names = draw(st.sampled_from([("t", "u"), ("t", "u"), ("t", "u", "v")]))
    tables = [draw(changing_tables(name, delay=NEVER_LATE, most=12)) for name in names]
    tables = [by_key(each) if draw(st.integers(0, 3)) == 0 else each for each in tables]
    if draw(st.integers(0, 4)):
        tables = [draw(emptied(each)) for each in tables]
    depth = draw(st.sampled_from([1, 2, 2, 3, 3]))
    query = draw(twice(names) if draw(st.integers(0, 5)) == 0 else queries(names, depth))
    return ProofCase(tuple(tables), counted(query) if "ORDER BY" in query.streamsql else query)
