"""CREATE TABLE to a catalog table: columns, computed columns, watermark, keys and options."""

from __future__ import annotations

from typing import Any

from streamsql.errors import SqlError, did_you_mean
from streamsql.expr.nodes import ColumnRef, Expr
from streamsql.expr.types import MAX_TIME_PRECISION, TIMESTAMPS, Column
from streamsql.plan.logical import Field, Plan, Table, WatermarkSpec
from streamsql.sql import dialect as d
from streamsql.sql.bind_expressions import ExpressionBinder
from streamsql.sql.bind_relations import table_name
from streamsql.sql.bind_table_like import base_table
from streamsql.sql.context import Context
from streamsql.sql.dialect import exp
from streamsql.sql.parse import parse_expression, span_of
from streamsql.sql.scope import Relation, Scope
from streamsql.sql.type_names import bind_type

Tree = Any


def bind_table(tree: Tree, context: Context, query: Plan | None = None) -> Table:
    """The table that a CREATE TABLE declares; column ids in its expressions are positions in its columns.

    `query`: that of CREATE TABLE … AS.
    """
    name = table_name(tree.this)
    base = base_table(tree, context)
    selected = () if query is None else _selected(tree, query)
    columns, computed, metadata = _columns(tree, base, selected)
    options = _options(tree)
    options = {**(base.options if base is not None else {}), **options}
    connector = options.pop("connector", base.connector if base is not None else None)
    if connector is None and options:
        key = next(iter(options))
        raise SqlError(
            f"table {name} has options but no 'connector'",
            span=span_of(tree.this),
            hint=f"add 'connector' = '…' beside '{key}'",
        )
    table = Table(
        name=name,
        columns=columns,
        computed=computed,
        metadata=metadata,
        watermark=_watermark(tree, columns) or (base.watermark if base is not None else None),
        primary_key=_primary_key(tree, columns) or (base.primary_key if base is not None else ()),
        partition_keys=_partition_keys(tree, columns) or (base.partition_keys if base is not None else ()),
        connector=connector,
        options=options,
        inferred=not columns,
    )
    if table.inferred and table.connector is None:
        raise SqlError(
            f"table {name} has no columns", span=span_of(tree.this), hint=f"write CREATE TABLE {name} (column TYPE, …)"
        )
    return table


def _selected(tree: Tree, query: Plan) -> tuple[Column, ...]:
    from streamsql.sql.bind_table_as import selected_columns

    return selected_columns(tree, query)


def _columns(
    tree: Tree, base: Table | None, selected: tuple[Column, ...]
) -> tuple[tuple[Column, ...], tuple[tuple[int, Expr], ...], tuple[tuple[int, str], ...]]:
    """All columns in declared order, then the computed and the metadata ones by position.

    First come those of the table that LIKE names, of which declared ones take the place; last those of the query.
    """
    given = {each.name for each in selected}
    declared = [each for each in tree.args.get("columns") or () if each.this.name not in given]
    _refuse_repeated(declared)
    columns: list[Column | None] = [] if base is None else list(base.columns)
    names = [each.name for each in columns if each is not None]
    places = [names.index(each.this.name) if each.this.name in names else -1 for each in declared]
    for index, each in enumerate(declared):
        if places[index] < 0:
            places[index] = len(columns)
            columns.append(None)
        columns[places[index]] = None if isinstance(each, d.ComputedColumn) else _physical(each)
    columns += selected
    computed = _computed(declared, columns, places)
    metadata = tuple(
        (place, each.args["key"].this if each.args.get("key") is not None else each.this.name)
        for place, each in zip(places, declared, strict=True)
        if isinstance(each, d.MetadataColumn)
    )
    done = tuple(column for column in columns if column is not None)
    if base is not None:
        computed = (*(each for each in base.computed if each[0] not in places), *computed)
        metadata = (*(each for each in base.metadata if each[0] not in places), *metadata)
    return done, computed, metadata


def _physical(tree: Tree) -> Column:
    return Column(tree.this.name, bind_type(tree.args["data_type"]))


def _refuse_repeated(declared: list[Tree]) -> None:
    names = [each.this.name for each in declared]
    for index, each in enumerate(declared):
        if each.this.name in names[:index]:
            raise SqlError(f"column {each.this.name} is declared twice", span=span_of(each.this) or span_of(each))


def _computed(declared: list[Tree], columns: list[Column | None], places: list[int]) -> tuple[tuple[int, Expr], ...]:
    """Binds computed columns over the physical ones (as in Flink, not over other computed ones)."""
    known = tuple(Field(index, column.name, column.type) for index, column in enumerate(columns) if column is not None)
    binder = ExpressionBinder(Scope((Relation(None, known),)), "a computed column")
    result = []
    for place, each in zip(places, declared, strict=True):
        if isinstance(each, d.ComputedColumn):
            expr = binder.bind(each.expression)
            columns[place] = Column(each.this.name, expr.type)
            result.append((place, expr))
    return tuple(result)


def _options(tree: Tree) -> dict[str, str]:
    options: dict[str, str] = {}
    for each in tree.args.get("options") or ():
        if each.this.this in options:
            raise SqlError(f"option '{each.this.this}' is given twice", span=span_of(each))
        options[each.this.this] = each.expression.this
    return options


def _watermark(tree: Tree, columns: tuple[Column, ...]) -> WatermarkSpec | None:
    clauses = tree.args.get("watermarks") or ()
    if not clauses:
        return None
    if len(clauses) > 1:
        raise SqlError("a table can have one WATERMARK only", span=span_of(clauses[1]))
    clause = clauses[0]
    fields = tuple(Field(index, column.name, column.type) for index, column in enumerate(columns))
    binder = ExpressionBinder(Scope((Relation(None, fields),)), "WATERMARK")
    time = binder.bind(clause.this)
    if not isinstance(time, ColumnRef):
        raise SqlError(
            "WATERMARK FOR takes a column", span=span_of(clause.this), hint="declare a computed column for it"
        )
    if time.type.kind not in TIMESTAMPS or (time.type.precision or 0) > MAX_TIME_PRECISION:
        hint = f"{time.name} is {time.type}: make it a computed column such as `t AS TO_TIMESTAMP({time.name})`"
        raise SqlError("a WATERMARK needs a TIMESTAMP or TIMESTAMP_LTZ column", span=span_of(clause.this), hint=hint)
    expr = binder.bind(clause.expression)
    if expr.type.kind is not time.type.kind:
        hint = f"write for instance {time.name} - INTERVAL '5' SECOND"
        raise SqlError(
            f"the watermark of {time.name} is {expr.type}, not a time", span=span_of(clause.expression), hint=hint
        )
    return WatermarkSpec(time.id, expr)


def bind_watermark(text: str, columns: tuple[Column, ...]) -> WatermarkSpec | None:
    """The watermark of a table with these columns: an expression over its time column, such as the column itself."""
    expression = parse_expression(text)
    read = {each.name for each in expression.find_all(exp.Column)}
    if len(read) != 1:
        hint = "write for instance ts - INTERVAL '5' SECOND"
        raise SqlError(f"a watermark reads one column, this reads {len(read) or 'none'}", hint=hint)
    column = next(iter(expression.find_all(exp.Column)))
    clause = d.Watermark(this=column.copy(), expression=expression)
    return _watermark(d.CreateTable(watermarks=[clause]), columns)


def _primary_key(tree: Tree, columns: tuple[Column, ...]) -> tuple[str, ...]:
    key = tree.args.get("primary_key")
    names = [each.name for each in key.expressions] if key is not None else []
    names += [each.this.name for each in tree.args.get("columns") or () if each.args.get("primary_key")]
    return _known(names, columns, "PRIMARY KEY", tree)


def _partition_keys(tree: Tree, columns: tuple[Column, ...]) -> tuple[str, ...]:
    return _known([each.name for each in tree.args.get("partitioned_by") or ()], columns, "PARTITIONED BY", tree)


def _known(names: list[str], columns: tuple[Column, ...], clause: str, tree: Tree) -> tuple[str, ...]:
    declared = [each.name for each in columns]
    for name in names:
        if name not in declared:
            hint = did_you_mean(name, declared, kind="columns")
            raise SqlError(f"{clause}: unknown column {name}", span=span_of(tree.this), hint=hint)
    return tuple(names)
