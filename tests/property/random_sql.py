"""Random queries over changing tables: joins, groups, ranks, windows, sets, limits and CTEs, inside each other.

A query is drawn once and written for both engines. Rows that a query chooses among by order are ordered by all of
their columns, so that every query has one answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from tests.property.random_tables import NEVER_LATE, VALUES, RandomTable, changing_tables

Columns = tuple[tuple[str, str], ...]
"""Names and types."""
TABLE_COLUMNS: Columns = (("i", "INT"), ("b", "INT"), ("s", "STRING"), ("m", "DECIMAL"), ("d", "DOUBLE"), ("f", "BOOL"))
KINDS = ("INNER", "INNER", "LEFT", "LEFT", "RIGHT", "FULL", "FULL", "CROSS")
SETS = ("UNION ALL", "UNION", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL")
LITERALS = {"INT": ("0", "1", "2"), "STRING": ("'a'", "'b'"), "DECIMAL": ("1.25",), "DOUBLE": (), "BOOL": ("TRUE",)}
FRAMES = (
    "",
    "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
    "ROWS UNBOUNDED PRECEDING",
    "RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
)
NOT_COMPARED = "DOUBLE"
"""NaN equals and exceeds nothing; in DuckDB it equals itself and exceeds all numbers."""
KEY_PLACES = (list(VALUES).index("i"), list(VALUES).index("s"))
COUNTED = " HAVING COUNT(*) > 0"
"""In DuckDB a sum of nothing has a row; in a stream there is none before the first row and none after the last."""


@dataclass(frozen=True)
class Written:
    """A query in both dialects, and its columns."""

    streamsql: str
    duckdb: str
    columns: Columns
    inputs: tuple[Written, ...] = ()

    def of(self, *types: str) -> list[str]:
        """The columns of these types, or all."""
        return [name for name, type_ in self.columns if not types or type_ in types]


@dataclass(frozen=True)
class ProofCase:
    """Tables and a query over them."""

    tables: tuple[RandomTable, ...]
    query: Written

    def __repr__(self) -> str:
        rows = "\n".join(repr(each) for each in self.tables)
        return f"\n{rows}\n--- sql\n{self.query.streamsql};\n--- DuckDB\n{self.query.duckdb};"


def written(template: str, columns: Columns, *inputs: Written, theirs: str | None = None) -> Written:
    """A query from templates with {0}, {1} where inputs stand in parentheses."""
    return Written(
        template.format(*(f"({each.streamsql})" for each in inputs)),
        (theirs or template).format(*(f"({each.duckdb})" for each in inputs)),
        columns,
        inputs,
    )


def renamed(shown: Sequence[tuple[str, str]]) -> tuple[str, Columns]:
    """A SELECT list of expressions with their types, which names them c0, c1, …, and those columns."""
    columns = tuple((f"c{index}", type_) for index, (_, type_) in enumerate(shown))
    return ", ".join(f"{text} AS {name}" for (text, _), (name, _) in zip(shown, columns, strict=True)), columns


def order_of(columns: Sequence[str], draw: st.DrawFn) -> str:
    """Sort keys in random directions."""
    ways = ("ASC NULLS FIRST", "ASC NULLS LAST", "DESC NULLS LAST", "DESC NULLS FIRST")
    return ", ".join(f"{each} {draw(st.sampled_from(ways))}" for each in columns)


def shuffled(columns: Sequence[str], draw: st.DrawFn) -> list[str]:
    return draw(st.permutations(columns))


@st.composite
def conditions(draw: st.DrawFn, columns: Columns) -> str:
    """A condition on some rows."""
    name, type_ = draw(st.sampled_from(columns))
    forms = [f"{name} IS NULL", f"{name} IS NOT NULL"]
    if type_ != NOT_COMPARED:
        forms.append(f"COALESCE({name} = {name}, FALSE)")
    if type_ == "BOOL":
        forms += [name, f"NOT {name}", f"{name} IS NOT TRUE"]
    for literal in LITERALS[type_]:
        forms += [f"{name} <= {literal}", f"{name} <> {literal}", f"{name} IS DISTINCT FROM {literal}"]
        forms += [f"NOT ({name} = {literal})", f"CASE WHEN {name} > {literal} THEN {name} IS NULL ELSE TRUE END"]
    if draw(st.integers(0, 3)) == 0:
        return f"({draw(st.sampled_from(forms))} OR {draw(conditions(columns))})"
    return draw(st.sampled_from(forms))


@st.composite
def expressions(draw: st.DrawFn, columns: Columns) -> tuple[str, str]:
    """A column or something computed, and its type."""
    name, type_ = draw(st.sampled_from(columns))
    other = draw(st.sampled_from([each for each, other_type in columns if other_type == type_]))
    match draw(st.integers(0, 9)):
        case 0:
            return f"COALESCE({name}, {other})", type_
        case 1:
            return f"CASE WHEN {draw(conditions(columns))} THEN {name} ELSE {other} END", type_
        case 2 if LITERALS[type_]:
            return f"COALESCE({name}, {draw(st.sampled_from(LITERALS[type_]))})", type_
        case 3 if type_ != NOT_COMPARED:
            return f"NULLIF({name}, {other})", type_
        case 4:
            return f"{name} IS NULL", "BOOL"
        case 5 if type_ != NOT_COMPARED:
            return f"{name} = {other}", "BOOL"
        case 6 if type_ == "INT":
            return f"MOD({name}, 2)", type_
        case _:
            return name, type_


@st.composite
def readings(draw: st.DrawFn, tables: tuple[str, ...]) -> Written:
    """Some columns of a table."""
    shown = draw(st.lists(st.sampled_from(TABLE_COLUMNS), min_size=1, max_size=3, unique=True))
    if not any(type_ == "INT" for _, type_ in shown):
        shown = [*shown, TABLE_COLUMNS[0]]
    where = f" WHERE {draw(conditions(TABLE_COLUMNS))}" if draw(st.integers(0, 3)) == 0 else ""
    listed, columns = renamed(shown)
    return written(f"SELECT {listed} FROM {draw(st.sampled_from(tables))}{where}", columns)


@st.composite
def projected(draw: st.DrawFn, source: Written) -> Written:
    """Expressions, a condition, perhaps each row once."""
    shown = draw(st.lists(expressions(source.columns), min_size=1, max_size=3))
    if all(type_ != "INT" for _, type_ in shown) and source.of("INT"):
        shown = [*shown, (source.of("INT")[0], "INT")]
    listed, columns = renamed(shown)
    once = draw(st.sampled_from(["", "", "DISTINCT "]))
    where = f" WHERE {draw(conditions(source.columns))}" if draw(st.booleans()) else ""
    return written(f"SELECT {once}{listed} FROM {{0}} AS p{where}", columns, source)


def _pairs(left: Written, right: Written) -> list[tuple[str, str]]:
    return [(a, b) for a, type_ in left.columns for b, other in right.columns if type_ == other]


@st.composite
def join_conditions(draw: st.DrawFn, left: Written, right: Written) -> str:
    """Equal keys, NULL-safe or not, and conditions on pairs and on one side."""
    terms = []
    pairs = _pairs(left, right)
    if pairs:
        for a, b in draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=2, unique=True)):
            forms = ("l.{} = r.{}",) * 4 + ("l.{} IS NOT DISTINCT FROM r.{}",) * 2
            if a not in left.of(NOT_COMPARED):
                forms += ("l.{} < r.{}", "(l.{0} = r.{1} OR l.{0} IS NULL)", "NOT (l.{} = r.{})")
            terms.append(draw(st.sampled_from(forms)).format(a, b))
    for side, columns in (("l", left.columns), ("r", right.columns)):
        if not terms or draw(st.integers(0, 5)) == 0:
            terms.append(draw(conditions(tuple((f"{side}.{name}", type_) for name, type_ in columns))))
    return " AND ".join(shuffled(terms, draw))


@st.composite
def subqueries(draw: st.DrawFn, readers: Columns, source: Written, place: str) -> tuple[str, str]:
    """A subquery over `source`, written as `place`, that may read columns of `readers`: a value and its type."""
    name, type_ = draw(st.sampled_from(source.columns))
    own = tuple((f"q.{each}", type_) for each, type_ in source.columns)
    terms = [draw(conditions(own))] if draw(st.booleans()) else []
    pairs = [(a, b) for a, one in readers for b, other in own if one == other]
    for a, b in draw(st.lists(st.sampled_from(pairs), max_size=2, unique=True)) if pairs else ():
        comparable = dict(readers)[a] != NOT_COMPARED
        terms.append(f"{b} {draw(st.sampled_from(('=', '=', '<', '<>') if comparable else ('=',)))} {a}")
    where = f" WHERE {' AND '.join(terms)}" if terms else ""
    calls = [("COUNT(*)", "INT"), (f"MAX(q.{name})", type_), (f"MIN(q.{name})", type_)]
    calls += [(f"SUM(q.{name})", type_)] if type_ in ("INT", "DECIMAL") else []
    call, found = draw(st.sampled_from(calls))
    forms = [(f"(SELECT {call} FROM {place} AS q{where})", found)] * 2
    forms.append((f"EXISTS (SELECT 1 FROM {place} AS q{where})", "BOOL"))
    alike = [each for each, other in readers if other == type_ != NOT_COMPARED]
    if alike:
        negated = draw(st.sampled_from(["", "NOT "]))
        chosen = draw(st.sampled_from(alike))
        forms.append((f"({chosen} {negated}IN (SELECT q.{name} FROM {place} AS q{where}))", "BOOL"))
        forms.append((f"({chosen} <= ANY (SELECT q.{name} FROM {place} AS q{where}))", "BOOL"))
    return draw(st.sampled_from(forms))


def qualified(side: str, source: Written) -> Columns:
    """The columns of a relation under its alias."""
    return tuple((f"{side}.{name}", type_) for name, type_ in source.columns)


@st.composite
def with_values(draw: st.DrawFn, left: Written, right: Written) -> Written:
    """Subqueries as values of rows, or in their condition."""
    readers = qualified("l", left)
    text, type_ = draw(subqueries(readers, right, "{1}"))
    if type_ == "BOOL" and draw(st.booleans()):
        condition = draw(st.sampled_from([f"NOT {text}", f"({text} OR {draw(conditions(readers))})", text]))
        return written(f"SELECT * FROM {{0}} AS l WHERE {condition}", left.columns, left, right)
    if draw(st.integers(0, 3)) == 0:
        text = f"CASE WHEN {draw(conditions(readers))} THEN {text} END"
    listed, columns = renamed([*readers[:2], (text, type_)])
    return written(f"SELECT {listed} FROM {{0}} AS l", columns, left, right)


@st.composite
def asked(draw: st.DrawFn, left: Written, right: Written) -> str:
    """A subquery as a condition on pairs."""
    place, source = draw(st.sampled_from([("{0}", left), ("{1}", right)]))
    readers = (*qualified("l", left), *qualified("r", right))
    text, type_ = draw(subqueries(readers, source, place))
    return (
        text
        if type_ == "BOOL"
        else f"{text} IS NOT NULL"
        if type_ == NOT_COMPARED
        else f"COALESCE({text} = {text}, FALSE)"
    )


@st.composite
def nearest(draw: st.DrawFn, left: Written, right: Written) -> Written:
    """ASOF JOIN with rows of which no two are equally near."""
    pairs = [each for each in _pairs(left, right) if each[0] not in left.of("DOUBLE", "BOOL")]
    if not pairs:
        return draw(joined(left, right))
    (a, b), keys = draw(st.sampled_from(pairs)), draw(st.lists(st.sampled_from(pairs), max_size=1))
    types = dict(right.columns)
    value = draw(st.sampled_from(right.of()))
    grouped_by = list(dict.fromkeys([b, *(key for _, key in keys)]))
    one_each = f"(SELECT {', '.join(grouped_by)}, MAX({value}) AS v FROM {{1}} AS g GROUP BY {', '.join(grouped_by)})"
    terms = [f"l.{mine} {draw(st.sampled_from(['=', 'IS NOT DISTINCT FROM']))} r.{other}" for mine, other in keys]
    terms.append(f"l.{a} {draw(st.sampled_from(['>=', '>', '<=', '<']))} r.{b}")
    for columns in (qualified("l", left), (("r.v", types[value]),)):
        if draw(st.integers(0, 3)) == 0:
            terms.append(draw(conditions(columns)))
    others = [name for name, type_ in left.columns if type_ == types[value] != NOT_COMPARED]
    if others and draw(st.integers(0, 2)) == 0:
        terms.append(f"NOT (l.{draw(st.sampled_from(others))} = r.v)")
    kind = draw(st.sampled_from(["", "LEFT "]))
    listed, found = renamed([*qualified("l", left)[:3], (f"r.{b}", types[b]), ("r.v", types[value])])
    on = " AND ".join(shuffled(terms, draw))
    return written(f"SELECT {listed} FROM {{0}} AS l ASOF {kind}JOIN {one_each} AS r ON {on}", found, left, right)


@st.composite
def joined(draw: st.DrawFn, left: Written, right: Written) -> Written:
    """Every pair, padded where the kind says so."""
    kind = draw(st.sampled_from(KINDS))
    sides = [(f"{side}.{name}", type_) for side, each in (("l", left), ("r", right)) for name, type_ in each.columns]
    shown = draw(st.lists(st.sampled_from(sides), min_size=2, max_size=4, unique=True))
    using = [name for name, type_ in left.columns if (name, type_) in right.columns]
    if kind != "CROSS" and using and draw(st.integers(0, 4)) == 0:
        keys = draw(st.lists(st.sampled_from(using), min_size=1, max_size=2, unique=True))
        types = dict(left.columns)
        shown = [*((each, types[each]) for each in keys), *shown]
        join = f"{kind} JOIN {{1}} AS r USING ({', '.join(keys)})"
    elif kind == "CROSS":
        join = "CROSS JOIN {1} AS r"
    else:
        join = f"{kind} JOIN {{1}} AS r ON {draw(join_conditions(left, right))}"
        if draw(st.integers(0, 5)) == 0:
            join += f" AND {draw(asked(left, right))}"
    where = f" WHERE {draw(conditions(tuple(sides)))}" if draw(st.integers(0, 3)) == 0 else ""
    listed, columns = renamed(shown)
    return written(f"SELECT {listed} FROM {{0}} AS l {join}{where}", columns, left, right)


@st.composite
def members(draw: st.DrawFn, left: Written, right: Written) -> Written:
    """Rows with a partner or without one."""
    negated = draw(st.sampled_from(["", "NOT "]))
    pairs = _pairs(left, right)
    if pairs and draw(st.booleans()):
        a, b = draw(st.sampled_from(pairs))
        condition = f"l.{a} {negated}IN (SELECT r.{b} FROM {{1}} AS r)"
    else:
        condition = f"{negated}EXISTS (SELECT 1 FROM {{1}} AS r WHERE {draw(join_conditions(left, right))})"
    if draw(st.integers(0, 3)) == 0:
        condition += f" AND {draw(conditions(tuple((f'l.{name}', type_) for name, type_ in left.columns)))}"
    return written(f"SELECT * FROM {{0}} AS l WHERE {condition}", left.columns, left, right)


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
    pairs = _pairs(left, right)
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
