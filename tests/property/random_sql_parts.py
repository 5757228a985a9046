"""What random queries are made of: a query in both engines, columns, conditions, expressions, readings of tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

Columns = tuple[tuple[str, str], ...]
"""Names and types."""
TABLE_COLUMNS: Columns = (("i", "INT"), ("b", "INT"), ("s", "STRING"), ("m", "DECIMAL"), ("d", "DOUBLE"), ("f", "BOOL"))
LITERALS = {"INT": ("0", "1", "2"), "STRING": ("'a'", "'b'"), "DECIMAL": ("1.25",), "DOUBLE": (), "BOOL": ("TRUE",)}
NOT_COMPARED = "DOUBLE"
"""NaN equals and exceeds nothing; in DuckDB it equals itself and exceeds all numbers."""
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
