"""OVER: ranking of rows, which runs where a condition bounds the rank (Top-N, deduplication)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from streamsql.errors import NotSupportedYet, SqlError
from streamsql.expr import types as t
from streamsql.expr.nodes import ColumnRef, Expr
from streamsql.plan.logical import Field, Plan, Project, RankOver, SortKey, TimeAttribute
from streamsql.sql.bind_expressions import is_processing_time
from streamsql.sql.context import Context
from streamsql.sql.parse import span_of
from streamsql.sql.scope import column_ref

Tree = Any
Binder = Callable[[Tree], Expr]

_RANKINGS = ("ROW_NUMBER", "RANK", "DENSE_RANK")


@dataclass(slots=True)
class OverCalls:
    """Collects the ranking functions of one SELECT; `named` are the windows of its WINDOW clause."""

    context: Context
    named: dict[str, Tree]
    ranks: list[tuple[Tree, Field]] = field(default_factory=list)

    def special(self, tree: Tree) -> Expr | None:
        """ROW_NUMBER() OVER (…) as a column; None for a call without OVER."""
        spec = tree.args.get("over")
        if spec is None:
            return None
        if tree.this not in _RANKINGS:
            raise NotSupportedYet(f"{tree.this}(…) OVER (…)", span=span_of(tree))
        if tree.expressions:
            raise SqlError(f"{tree.this} takes no arguments", span=span_of(tree))
        for known, column in self.ranks:
            if known == tree:
                return column_ref(column, span_of(tree))
        if self.ranks:
            raise NotSupportedYet("several OVER windows in one SELECT", span=span_of(tree))
        column = self.context.field("$rank", t.BIGINT.with_nullable(False))
        self.ranks.append((tree, column))
        return column_ref(column, span_of(tree))

    def build(self, plan: Plan, bind: Binder) -> Plan:
        """The ranks on top of `plan`; `bind` binds expressions over it."""
        for tree, rank in self.ranks:
            spec = self._resolve(tree.args["over"])
            plan, partition = _columns(plan, [bind(each) for each in spec.args.get("partition_by") or ()], self.context)
            order_trees = spec.args.get("order_by") or ()
            if not order_trees:
                hint = f"write {tree.this}() OVER (PARTITION BY … ORDER BY …)"
                raise SqlError(f"{tree.this} needs ORDER BY", span=span_of(tree), hint=hint)
            plan, columns = _columns(plan, [bind(each.this) for each in order_trees], self.context)
            order = tuple(sort_key(each, column) for each, column in zip(order_trees, columns, strict=True))
            plan = RankOver(
                input=plan,
                function=tree.this,
                partition=partition,
                order=order,
                rank=rank,
                fields=(*plan.fields, rank),
                span=span_of(tree),
            )
        return plan

    def _resolve(self, spec: Tree) -> Tree:
        base = spec.this
        if base is None:
            return spec
        if base.name not in self.named:
            raise SqlError(f"unknown window {base.name}", span=span_of(base), hint="declare it with WINDOW w AS (…)")
        return self.named[base.name]


def _columns(plan: Plan, exprs: list[Expr], context: Context) -> tuple[Plan, tuple[int, ...]]:
    """The expressions as columns of the plan, computed by a projection where they are none yet."""
    ids: list[int] = []
    new: list[tuple[Expr, Field]] = []
    for expr in exprs:
        if isinstance(expr, ColumnRef):
            ids.append(expr.id)
            continue
        time = TimeAttribute.PROCESSING if is_processing_time(expr) else None
        column = context.field(f"${len(new)}", expr.type, time)
        new.append((expr, column))
        ids.append(column.id)
    if new:
        plan = Project(
            input=plan,
            exprs=(*(column_ref(each) for each in plan.fields), *(expr for expr, _ in new)),
            fields=(*plan.fields, *(column for _, column in new)),
        )
    return plan, tuple(ids)


def sort_key(tree: Tree, column: int) -> SortKey:
    """ASC or DESC, NULLS FIRST or LAST; NULL counts as the smallest value where nothing is said."""
    ascending = not tree.args.get("descending")
    nulls = tree.args.get("nulls")
    return SortKey(column, ascending, nulls == "FIRST" if nulls else ascending)
