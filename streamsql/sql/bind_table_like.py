"""CREATE TABLE … LIKE: what of the other table is taken over, and what may stand beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from streamsql.errors import SqlError
from streamsql.expr.nodes import ColumnRef, Expr, column_ids, substitute
from streamsql.plan.logical import Table, WatermarkSpec
from streamsql.sql import dialect as d
from streamsql.sql.bind_relations import table_name
from streamsql.sql.context import Context, View
from streamsql.sql.parse import span_of

Tree = Any

INCLUDING, EXCLUDING, OVERWRITING = "INCLUDING", "EXCLUDING", "OVERWRITING"
DEFAULTS = {
    "CONSTRAINTS": INCLUDING,
    "DISTRIBUTION": INCLUDING,
    "GENERATED": INCLUDING,
    "METADATA": INCLUDING,
    "OPTIONS": OVERWRITING,
    "PARTITIONS": INCLUDING,
    "WATERMARKS": INCLUDING,
}
NEVER_OVERWRITTEN = ("ALL", "CONSTRAINTS", "DISTRIBUTION", "PARTITIONS")


def base_table(tree: Tree, context: Context) -> Table | None:
    """What a CREATE TABLE takes over by LIKE, as a table; its columns come first.

    Columns that it declares under a name that is there already take the place of those. SqlError where a part of the
    other table is declared once more and the clause does not say which of the two holds.
    """
    clause = tree.args.get("like")
    if clause is None:
        return None
    base = context.lookup(table_name(clause.this), span_of(clause.this))
    if isinstance(base, View):
        raise SqlError(f"LIKE takes a table, {base.name} is a view", span=span_of(clause.this))
    parts = _parts(clause)
    base = _without_columns(base, parts, clause)
    _refuse_columns(tree, base, parts)
    _refuse_options(tree, base, parts)
    watermarks, keys = tree.args.get("watermarks"), _key(tree)
    _refuse_twice(watermarks and watermarks[0], base.watermark, "WATERMARKS", parts, "a watermark")
    _refuse_twice(keys, base.primary_key, "CONSTRAINTS", parts, "a primary key")
    _refuse_twice(tree, tree.args.get("partitioned_by") and base.partition_keys, "PARTITIONS", parts, "partition keys")
    return replace(
        base,
        options={} if parts["OPTIONS"] == EXCLUDING else base.options,
        connector=None if parts["OPTIONS"] == EXCLUDING else base.connector,
        primary_key=() if parts["CONSTRAINTS"] == EXCLUDING else base.primary_key,
        partition_keys=() if parts["PARTITIONS"] == EXCLUDING else base.partition_keys,
    )


def _parts(clause: Tree) -> dict[str, str]:
    """What is done with each part of the other table."""
    given: dict[str, str] = {}
    for each in clause.expressions:
        action, part = each.args["action"], each.this
        if part in given:
            raise SqlError(f"LIKE says twice what of {part} to take", span=span_of(each))
        if action == OVERWRITING and part in NEVER_OVERWRITTEN:
            hint = f"write EXCLUDING {part}, and declare them here" if part != "ALL" else "write OVERWRITING OPTIONS"
            raise SqlError(
                f"OVERWRITING {part}: these are taken as a whole or not at all", span=span_of(each), hint=hint
            )
        given[part] = action
    everything = given.pop("ALL", None)
    parts = dict.fromkeys(DEFAULTS, everything) if everything is not None else DEFAULTS
    return {part: action for part, action in {**parts, **given}.items() if action is not None}


def _without_columns(base: Table, parts: Mapping[str, str], clause: Tree) -> Table:
    """The table without its computed and metadata columns and its watermark, where these are left out."""
    left_out = {index for index, _ in base.computed if parts["GENERATED"] == EXCLUDING}
    left_out |= {index for index, _ in base.metadata if parts["METADATA"] == EXCLUDING}
    watermark = None if parts["WATERMARKS"] == EXCLUDING else base.watermark
    kept = [index for index in range(len(base.columns)) if index not in left_out]
    place = {old: new for new, old in enumerate(kept)}
    if watermark is not None:
        read = {watermark.column, *column_ids(watermark.expr)}
        _refuse_left_out(base, read & left_out, f"the watermark of {base.name}", "EXCLUDING WATERMARKS", clause)
        watermark = WatermarkSpec(place[watermark.column], _moved(watermark.expr, base, place))
    if parts["CONSTRAINTS"] != EXCLUDING:
        keys = {index for index, each in enumerate(base.columns) if each.name in base.primary_key}
        _refuse_left_out(base, keys & left_out, f"the primary key of {base.name}", "EXCLUDING CONSTRAINTS", clause)
    return replace(
        base,
        columns=tuple(base.columns[index] for index in kept),
        computed=tuple((place[at], _moved(expr, base, place)) for at, expr in base.computed if at in place),
        metadata=tuple((place[at], key) for at, key in base.metadata if at in place),
        watermark=watermark,
    )


def _moved(expr: Expr, base: Table, place: Mapping[int, int]) -> Expr:
    columns = {old: base.columns[old] for old in place}
    return substitute(expr, {old: ColumnRef(place[old], each.name, type=each.type) for old, each in columns.items()})


def _refuse_left_out(base: Table, missing: set[int], what: str, option: str, clause: Tree) -> None:
    if missing:
        name = base.columns[min(missing)].name
        hint = f"write {option} too, and declare it here"
        raise SqlError(f"{what} needs {name}, which is left out", span=span_of(clause), hint=hint)


def _refuse_columns(tree: Tree, base: Table, parts: Mapping[str, str]) -> None:
    """A column may be declared once more only where both are computed, or both metadata, and that is OVERWRITING."""
    names = [each.name for each in base.columns]
    computed, metadata = dict(base.computed), dict(base.metadata)
    for each in tree.args.get("columns") or ():
        if each.this.name not in names:
            continue
        place, span = names.index(each.this.name), span_of(each.this)
        message = f"{base.name} has a column {each.this.name} already"
        part = "GENERATED" if place in computed else "METADATA" if place in metadata else None
        if part is None or (part == "GENERATED") != isinstance(each, d.ComputedColumn):
            raise SqlError(message, span=span, hint="choose another name")
        if parts[part] != OVERWRITING:
            raise SqlError(message, span=span, hint=_way_out(part))
        if base.watermark is not None and place in (base.watermark.column, *column_ids(base.watermark.expr)):
            hint = "write EXCLUDING WATERMARKS, and WATERMARK FOR … here"
            raise SqlError(f"the watermark of {base.name} reads {each.this.name}", span=span, hint=hint)


def _refuse_options(tree: Tree, base: Table, parts: Mapping[str, str]) -> None:
    there = {**base.options, **({} if base.connector is None else {"connector": base.connector})}
    for each in tree.args.get("options") or ():
        if parts["OPTIONS"] == INCLUDING and each.this.this in there:
            raise SqlError(
                f"{base.name} has an option '{each.this.this}' already", span=span_of(each), hint=_way_out("OPTIONS")
            )


def _refuse_twice(declared: Tree | None, there: object, part: str, parts: Mapping[str, str], what: str) -> None:
    if declared and there and parts[part] == INCLUDING:
        hint = _way_out(part)
        raise SqlError(f"the table that LIKE names has {what} already", span=span_of(declared), hint=hint)


def _key(tree: Tree) -> Tree | None:
    if tree.args.get("primary_key") is not None:
        return tree.args["primary_key"]
    return next((each for each in tree.args.get("columns") or () if each.args.get("primary_key")), None)


def _way_out(part: str) -> str:
    others = "" if part in NEVER_OVERWRITTEN else f" or OVERWRITING {part}"
    return f"write LIKE … (EXCLUDING {part}){others}"
