"""Rows in, rows out: scans, constants, filters, projections, UNNEST and UNION ALL as DuckDB SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streamsql.batch_mode.relation import Lowering, Relation, column, distinct_ids, select_list
from streamsql.expr.duckdb_sql import duckdb_sql, duckdb_type
from streamsql.expr.nodes import ColumnRef, Expr, Literal
from streamsql.expr.types import Kind, SqlType
from streamsql.plan.logical import Filter, Project, Scan, Union, Unnest, Values

_AFTER_UNTIMED = "greatest(w, (-9223372036854775807)::BIGINT)"
"""The watermark before a row: that before the first row of a table comes after the rows of tables that have none."""


def lower_scan(plan: Scan, lowering: Lowering) -> Relation:
    """The table as its reader delivers it, which applies the scan's predicate too."""
    source = f"s{len(lowering.scans)}"
    lowering.scans[source] = plan
    items = {column(each.id): f"f{index}" for index, each in enumerate(plan.fields)}
    order = lowering.source_order(None if plan.watermark is None else _AFTER_UNTIMED, "r")
    name = lowering.add(f"SELECT {select_list(items, order)} FROM {source}", keep=plan in lowering.shared)
    return Relation(name, distinct_ids(plan.fields), len(order), sorted=len(order) == 1, ordinals_only=True)


def lower_values(plan: Values, lowering: Lowering) -> Relation:
    """Literal rows, numbered in the order in which they are written."""
    order = lowering.source_order(None, "r")
    names = [f"f{index}" for index in range(len(plan.fields))]
    rows = ", ".join(f"({_literals(row, plan, number, lowering)})" for number, row in enumerate(plan.rows))
    nothing = ", ".join([*(f"NULL::{duckdb_type(each.type)}" for each in plan.fields), "0::BIGINT"])
    values = f"(VALUES {rows or f'({nothing})'}) AS v({', '.join([*names, 'r'])})"
    items = {column(each.id): name for each, name in zip(plan.fields, names, strict=True)}
    body = f"SELECT {select_list(items, order)} FROM {values}{'' if rows else ' WHERE FALSE'}"
    return Relation(lowering.add(body), distinct_ids(plan.fields), len(order), len(order) == 1, ordinals_only=True)


def lower_filter(plan: Filter, source: Relation, lowering: Lowering) -> Relation:
    """The rows for which the predicate is TRUE."""
    names = ", ".join((*source.columns, *source.ordinals))
    name = lowering.add(f"SELECT {names} FROM {source.name} WHERE {sql(plan.predicate, source, lowering)}")
    return Relation(name, source.ids, source.order, source.sorted, source.ordinals_only)


def lower_project(plan: Project, source: Relation, lowering: Lowering) -> Relation:
    """Expressions over each row."""
    items = {column(each.id): sql(expr, source, lowering) for each, expr in zip(plan.fields, plan.exprs, strict=True)}
    body = f"SELECT {select_list(items, source.ordinals)} FROM {source.name}"
    return Relation(lowering.add(body), distinct_ids(plan.fields), source.order, source.sorted, source.ordinals_only)


def lower_union(plan: Union, sources: Sequence[Relation], lowering: Lowering) -> Relation:
    """All rows of all branches in arrival order; rows of one arrival in the order of the branches."""
    merged = all(each.ordinals_only for each in sources)
    width = max(each.order for each in sources) if merged else 1
    selects = []
    for number, (branch, source) in enumerate(zip(plan.branches, sources, strict=True)):
        items = {
            column(each.id): f"CAST({column(given.id)} AS {duckdb_type(each.type)})"
            for each, given in zip(plan.fields, branch.fields, strict=True)
        }
        if merged:
            padded = (*source.ordinals, *["0::BIGINT"] * (width - source.order))
            arrival = lowering.arrival_width
            order = (*padded[:arrival], f"{number}::BIGINT", *padded[arrival:])
        else:
            order = (f"{number}::BIGINT", _row_number(source))
        selects.append(f"SELECT {select_list(items, order)} FROM {source.name}")
    name = lowering.add("\n  UNION ALL ".join(selects))
    return Relation(name, distinct_ids(plan.fields), width + 1, ordinals_only=True)


def lower_unnest(plan: Unnest, source: Relation, lowering: Lowering) -> Relation:
    """Each row once per element; the position of the element becomes the last term of the order."""
    type_ = plan.expr.type
    elements = _elements(sql(plan.expr, source, lowering), type_)
    by_field = type_.kind is Kind.MAP or (type_.kind is Kind.ARRAY and type_.children[0].kind is Kind.ROW)
    wanted = "e IS NOT NULL" if by_field else "TRUE"
    listed = lowering.add(f"SELECT *, {elements} AS l FROM {source.name}")
    if plan.outer:
        exploded, wanted = _with_padding(listed, by_field, lowering), f"(padded OR {wanted})"
    else:
        exploded = lowering.add(f"SELECT *, unnest(l) AS e, generate_subscripts(l, 1) AS i FROM {listed}")
    items = {**{each: each for each in source.columns}, **_element_columns(plan, by_field)}
    if plan.ordinality is not None:
        items[column(plan.ordinality.id)] = f"CAST(i AS {duckdb_type(plan.ordinality.type)})"
    body = f"SELECT {select_list(items, (*source.ordinals, 'i'))} FROM {exploded} WHERE {wanted}"
    ids = tuple(dict.fromkeys((*source.ids, *distinct_ids(plan.fields))))
    return Relation(lowering.add(body), ids, source.order + 1, source.sorted, source.ordinals_only)


def sql(expr: Expr, source: Relation, lowering: Lowering) -> str:
    """An expression over a relation's columns."""
    if isinstance(expr, ColumnRef):
        return column(expr.id)
    return duckdb_sql(expr, source.names, lowering.context)


def _literals(row: Sequence[Literal], plan: Values, number: int, lowering: Lowering) -> str:
    values = [
        f"CAST({duckdb_sql(value, {}, lowering.context)} AS {duckdb_type(each.type)})"
        for value, each in zip(row, plan.fields, strict=True)
    ]
    return ", ".join([*values, f"{number}::BIGINT"])


def _row_number(source: Relation) -> str:
    return f"row_number() OVER (ORDER BY {source.arrival})"


def _elements(value: str, type_: SqlType) -> str:
    """The list that UNNEST walks through."""
    match type_.kind:
        case Kind.MAP:
            return f"map_entries({value})"
        case Kind.MULTISET:
            repeated = "lambda x: list_transform(range(x.value), lambda y: x.key)"
            return f"flatten(list_transform(map_entries({value}), {repeated}))"
        case _:
            return value


def _with_padding(listed: str, by_field: bool, lowering: Lowering) -> str:
    """As the plain form, but a row without (usable) elements once, with NULL as its element."""
    usable = "list_filter(l, lambda x: x IS NOT NULL)" if by_field else "l"
    marked = lowering.add(f"SELECT *, coalesce(len({usable}), 0) = 0 AS padded FROM {listed}")
    element = "unnest(CASE WHEN padded THEN [NULL] ELSE l END)"
    position = "unnest(CASE WHEN padded THEN [NULL] ELSE range(1, len(l) + 1) END)"
    return lowering.add(f"SELECT *, {element} AS e, {position} AS i FROM {marked}")


def _element_columns(plan: Unnest, by_field: bool) -> Mapping[str, str]:
    if not by_field:
        return {column(plan.elements[0].id): "e"}
    return {column(each.id): f"struct_extract_at(e, {index})" for index, each in enumerate(plan.elements, start=1)}
