"""Random joins: of all kinds, with subqueries that read both sides, nearest rows, and members of a query."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.property.random_sql_parts import NOT_COMPARED, Columns, Written, conditions, renamed, shuffled, written

KINDS = ("INNER", "INNER", "LEFT", "LEFT", "RIGHT", "FULL", "FULL", "CROSS")


def key_pairs(left: Written, right: Written) -> list[tuple[str, str]]:
    return [(a, b) for a, type_ in left.columns for b, other in right.columns if type_ == other]


@st.composite
def join_conditions(draw: st.DrawFn, left: Written, right: Written) -> str:
    """Equal keys, NULL-safe or not, and conditions on pairs and on one side."""
    terms = []
    pairs = key_pairs(left, right)
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
    pairs = [each for each in key_pairs(left, right) if each[0] not in left.of("DOUBLE", "BOOL")]
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
    pairs = key_pairs(left, right)
    if pairs and draw(st.booleans()):
        a, b = draw(st.sampled_from(pairs))
        condition = f"l.{a} {negated}IN (SELECT r.{b} FROM {{1}} AS r)"
    else:
        condition = f"{negated}EXISTS (SELECT 1 FROM {{1}} AS r WHERE {draw(join_conditions(left, right))})"
    if draw(st.integers(0, 3)) == 0:
        condition += f" AND {draw(conditions(tuple((f'l.{name}', type_) for name, type_ in left.columns)))}"
    return written(f"SELECT * FROM {{0}} AS l WHERE {condition}", left.columns, left, right)
