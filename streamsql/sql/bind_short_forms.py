"""Short forms of a SELECT, as what they stand for: stars with changes, GROUP BY ALL, DISTINCT ON, WITH TIES."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from streamsql.errors import NotSupportedYet, SqlError, did_you_mean
from streamsql.expr.nodes import Expr
from streamsql.plan.logical import Field
from streamsql.sql.bind_expressions import ExpressionBinder
from streamsql.sql.bind_grouping import has_aggregate
from streamsql.sql.dialect import Call, SortKey, WindowSpec, exp
from streamsql.sql.parse import span_of
from streamsql.sql.scope import Scope, column_ref

Tree = Any


def star_items(tree: Tree, scope: Scope, binder: ExpressionBinder) -> Iterator[tuple[str, Expr]]:
    """The names and expressions of `*` or `t.*`, without what EXCLUDE names, with what REPLACE and RENAME say."""
    star, span = _star_of(tree), span_of(tree)
    fields = _star_fields(tree, scope)
    left_out = {each.name for each in star.args.get("except_") or ()}
    replaced = {each.alias: each.this for each in star.args.get("replace") or ()}
    renamed = {each.this.name: each.alias for each in star.args.get("rename") or ()}
    known = [each.name for each in fields]
    for name in (*(star.args.get("except_") or ()), *_aliases(star, "replace"), *_sources(star)):
        if name.name not in known:
            hint = did_you_mean(name.name, known, kind="columns here")
            raise SqlError(f"* has no column {name.name}", span=span_of(name), hint=hint)
    for each in fields:
        if each.name not in left_out:
            value = replaced.get(each.name)
            expr = column_ref(each, span) if value is None else binder.bind(value)
            yield renamed.get(each.name, each.name), expr


def _aliases(star: Tree, key: str) -> list[Tree]:
    return [each.args["alias"] for each in star.args.get(key) or ()]


def _sources(star: Tree) -> list[Tree]:
    return [each.this for each in star.args.get("rename") or ()]


def _star_of(tree: Tree) -> Tree:
    return tree.this if isinstance(tree, exp.Column) else tree


def _star_fields(tree: Tree, scope: Scope) -> Sequence[Field]:
    span = span_of(tree)
    if not scope.relations:
        raise SqlError("SELECT * needs a FROM", span=span)
    fields: Sequence[Field] = scope.fields
    if isinstance(tree, exp.Column):
        fields = scope.relation(tree.table, span).fields
    return [each for each in fields if not each.name.startswith("$")]


def _is_star(tree: Tree) -> bool:
    return isinstance(tree, exp.Star) or (isinstance(tree, exp.Column) and isinstance(tree.this, exp.Star))


def _values(select: Tree, scope: Scope) -> list[Tree]:
    """What each column of a SELECT computes, as trees, stars as their columns."""
    values: list[Tree] = []
    for each in select.expressions:
        if _is_star(each):
            values += _star_columns(each, scope)
        else:
            values.append(each.this if isinstance(each, exp.Alias) else each)
    return values


def _star_columns(tree: Tree, scope: Scope) -> Iterator[Tree]:
    star = _star_of(tree)
    left_out = {each.name for each in star.args.get("except_") or ()}
    replaced = {each.alias: each.this for each in star.args.get("replace") or ()}
    for field in _star_fields(tree, scope):
        if field.name in left_out:
            continue
        owner = next((each.alias for each in scope.relations if field in each.fields), None)
        yield replaced.get(field.name) or exp.column(field.name, table=owner)


def written_keys(select: Tree, scope: Scope) -> list[Tree]:
    """The items of GROUP BY; ALL are those of the SELECT without an aggregate, a position is the item there."""
    group = select.args["group"]
    if group.args.get("all"):
        return [each for each in _values(select, scope) if not (has_aggregate(each) or isinstance(each, exp.Literal))]
    if not any(_is_position(each) for each in group.find_all(exp.Literal)):
        return list(group.expressions)
    values = _values(select, scope)
    return [_with_positions(each, values) for each in group.expressions]


def _is_position(tree: Tree) -> bool:
    return isinstance(tree, exp.Literal) and tree.is_int


def _with_positions(item: Tree, values: Sequence[Tree]) -> Tree:
    if isinstance(item, exp.Tuple | exp.GroupingSets | exp.Rollup | exp.Cube):
        return type(item)(expressions=[_with_positions(each, values) for each in item.expressions])
    if not _is_position(item):
        return item.copy()
    value = _at_position(item, values, "GROUP BY")
    if has_aggregate(value):
        raise SqlError(f"GROUP BY {item.this}: that column is an aggregate", span=span_of(item))
    return value.copy()


def _at_position(position: Tree, values: Sequence[Tree], clause: str) -> Tree:
    number = int(position.this)
    if not 1 <= number <= len(values):
        columns = f"{len(values)} column{'s'[: len(values) != 1]}"
        raise SqlError(f"{clause} {number}: the SELECT has {columns}", span=span_of(position))
    return values[number - 1]


def first_rows_ranked(select: Tree) -> Tree:
    """DISTINCT ON and FETCH FIRST … WITH TIES as a ranking with a bound: they are one.

    DISTINCT ON keeps the first row of each group in the order of ORDER BY, without it the first to arrive.
    """
    distinct, limit = select.args.get("distinct"), select.args.get("limit")
    on = distinct and distinct.args.get("on")
    ties = limit is not None and limit.args.get("limit_options")
    if not on and not ties:
        return select
    if select.args.get("qualify") is not None or (ties and distinct):
        what = "DISTINCT ON beside QUALIFY" if not ties else "WITH TIES beside QUALIFY or DISTINCT"
        hint = "write the SELECT as a subquery: SELECT * FROM (…) ORDER BY …"
        raise NotSupportedYet(what, span=span_of(limit if ties else distinct), hint=hint)
    keys = [_sort_key(each, select) for each in select.args["order"].expressions] if select.args.get("order") else []
    if ties:
        if not keys:
            raise SqlError("WITH TIES needs ORDER BY", span=span_of(limit), hint="write ONLY, or an ORDER BY before it")
        ranked: exp.Expression = exp.LTE(this=_ranking("RANK", (), keys), expression=limit.expression.copy())
    else:
        partition = [_named_value(each, select, "DISTINCT ON").copy() for each in on.expressions]
        ranked = exp.EQ(this=_ranking("ROW_NUMBER", partition, keys), expression=exp.Literal.number(1))
    written = select.copy()
    written.set("qualify", exp.Qualify(this=ranked))
    if on:
        written.set("distinct", None)
    return written


def refuse_ties(query: Tree) -> None:
    """SqlError where FETCH FIRST … WITH TIES stands behind what is no SELECT, or has an OFFSET."""
    limit = query.args["limit"]
    if query.args.get("offset") is not None:
        raise NotSupportedYet("WITH TIES with OFFSET", span=span_of(limit), hint="bound a RANK() in QUALIFY")
    if not isinstance(query, exp.Select):
        hint = "write SELECT * FROM (…) ORDER BY … FETCH FIRST …"
        raise NotSupportedYet("WITH TIES behind a set operation", span=span_of(limit), hint=hint)
    if not _is_position(limit.expression):
        raise SqlError("FETCH FIRST takes a whole number", span=span_of(limit), hint="write for instance 10 ROWS")


def _ranking(function: str, partition: Sequence[Tree], keys: Sequence[Tree]) -> Call:
    return Call(this=function, over=WindowSpec(partition_by=list(partition), order_by=list(keys)))


def _sort_key(key: Tree, select: Tree) -> SortKey:
    return SortKey(**{**key.copy().args, "this": _named_value(key.this, select, "ORDER BY").copy()})


def _named_value(tree: Tree, select: Tree, clause: str) -> Tree:
    """What a position or the name of an item stands for."""
    if _is_position(tree):
        if any(_is_star(each) for each in select.expressions):
            hint = "write the column: * comes before it"
            raise SqlError(f"{clause} {tree.this} counts columns of *", span=span_of(tree), hint=hint)
        return _at_position(tree, _values(select, Scope()), clause)
    if isinstance(tree, exp.Column) and len(tree.parts) == 1:
        named = {each.alias: each.this for each in select.expressions if isinstance(each, exp.Alias)}
        return named.get(tree.name, tree)
    return tree
