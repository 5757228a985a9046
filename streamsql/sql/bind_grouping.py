"""GROUP BY: keys, aggregate calls and group windows, collected while the items of a SELECT are bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from typing import Any

from streamsql.errors import Span, SqlError
from streamsql.expr.aggregates import (
    AggregateCall,
    is_aggregate,
)
from streamsql.expr.nodes import ColumnRef, Expr, children, rebuild
from streamsql.expr.resolve import resolve_call
from streamsql.plan.logical import Aggregate, Field, Plan, Project, TimeAttribute, Window, WindowAggregate
from streamsql.record import record
from streamsql.sql.bind_aggregates import bind_aggregate
from streamsql.sql.bind_expressions import GROUP_WINDOWS, GROUPING_CALLS, WINDOW_AUXILIARIES, ExpressionBinder
from streamsql.sql.bind_grouping_sets import GroupingSets, has_sets, sets_of, without_sets
from streamsql.sql.bind_subqueries import Subqueries
from streamsql.sql.context import Context
from streamsql.sql.dialect import Call, exp
from streamsql.sql.parse import span_of
from streamsql.sql.scope import Scope, column_ref

Tree = Any


@record
class GroupWindow:
    """The one group window of a GROUP BY, and the columns its auxiliaries read."""

    tree: Tree
    window: Window
    time: Field
    bounds: tuple[Field, Field, Field]


@record(frozen=False)
class Grouping:
    """Collects what one GROUP BY computes.

    `computed`: expressions that a projection below the aggregate evaluates (keys, arguments, filters). `subqueries`:
    those in keys and arguments. `span`: the clause itself.
    """

    context: Context
    scope: Scope
    plan: Plan
    subqueries: Subqueries
    keys: list[tuple[Expr, Field]] = field(default_factory=list)
    computed: list[tuple[Expr, Field]] = field(default_factory=list)
    calls: list[tuple[AggregateCall, Field]] = field(default_factory=list)
    window: GroupWindow | None = None
    sets: GroupingSets | None = None
    span: Span | None = None

    def add_keys(self, items: Sequence[Tree], aliases: dict[str, Tree]) -> None:
        """The items of GROUP BY; `aliases` are the SELECT's, to say why they cannot stand here."""
        if has_sets(items):
            windows = [each for each in items if isinstance(each, Call) and each.this in GROUP_WINDOWS]
            self.add_keys(windows, aliases)
            self._add_sets([each for each in items if each not in windows], aliases)
            return
        for item in items:
            if isinstance(item, exp.Tuple):
                self.add_keys(item.expressions, aliases)
            elif isinstance(item, Call) and item.this in GROUP_WINDOWS:
                self._add_window(item)
            else:
                self._add_key(item, aliases)

    def _add_sets(self, items: Sequence[Tree], aliases: dict[str, Tree]) -> None:
        sets = [frozenset(self._add_key(each, aliases) for each in keys) for keys in sets_of(items)]
        self.sets = GroupingSets.of([column for _, column in self.keys], sets, self.context)

    def _add_window(self, tree: Tree) -> None:
        if self.window is not None:
            raise SqlError("a GROUP BY can have one window only", span=span_of(tree))
        from streamsql.sql.bind_windows import group_window, window_bounds

        window, time = group_window(tree, self.scope, self.plan)
        self.window = GroupWindow(tree, window, time, window_bounds(time, self.context))

    def _add_key(self, tree: Tree, aliases: dict[str, Tree]) -> int:
        """The id of the column below that holds the key."""
        try:
            expr = ExpressionBinder(self.scope, "GROUP BY", subqueries=self.subqueries).bind(tree)
        except SqlError as error:
            if isinstance(tree, exp.Column) and len(tree.parts) == 1 and tree.name in aliases:
                error.hint = f"{tree.name} names an item of this SELECT: write its expression in GROUP BY"
            raise
        column = self.column_for(expr)
        if expr not in [each for each, _ in self.keys]:
            self.keys.append((expr, column))
        return column.id

    def column_for(self, expr: Expr) -> Field:
        """The column below the aggregate that holds this expression."""
        found = next((each for each in self.plan.fields if isinstance(expr, ColumnRef) and each.id == expr.id), None)
        if found is not None:
            return found
        for known, column in self.computed:
            if known == expr and known.type == expr.type:
                return column
        column = self.context.field(f"${len(self.computed)}", expr.type)
        self.computed.append((expr, column))
        return column

    def special(self, tree: Tree) -> Expr | None:
        """Aggregates and window auxiliaries, for ExpressionBinder; None for any other call."""
        name = tree.this
        if name in WINDOW_AUXILIARIES:
            return self._auxiliary(tree)
        if name in GROUPING_CALLS:
            return self._grouping(tree)
        if not is_aggregate(name) or tree.args.get("over") is not None:
            return None
        result = self._aggregate(tree)
        return ColumnRef(result.id, result.name, type=result.type, span=span_of(tree))

    def _aggregate(self, tree: Tree) -> Field:
        binder = ExpressionBinder(self.scope, subqueries=self.subqueries)
        return self._result_of(bind_aggregate(tree, binder).call(self.column_for))

    def _grouping(self, tree: Tree) -> Expr:
        """GROUPING(key) and GROUPING_ID(key, …)."""
        if not tree.expressions:
            raise SqlError(f"{tree.this} needs a key of GROUP BY", span=span_of(tree))
        binder, columns = ExpressionBinder(self.scope, f"an argument of {tree.this}"), []
        for each in tree.expressions:
            wanted = binder.bind(each)
            found = next((column for expr, column in self.keys if expr == wanted), None)
            if found is None:
                hint = f"{tree.this} says whether a key is rolled up: name keys of GROUP BY"
                raise SqlError(f"{tree.this} of what is not grouped", span=span_of(each), hint=hint)
            columns.append(found.id)
        return without_sets() if self.sets is None else self.sets.grouping(columns)

    def _result_of(self, call: AggregateCall) -> Field:
        for known, result in self.calls:
            if known == call:
                return result
        result = self.context.field(f"$agg{len(self.calls)}", call.type)
        self.calls.append((call, result))
        return result

    def _auxiliary(self, tree: Tree) -> Expr:
        kind, part = tree.this.rsplit("_", 1)
        span, window = span_of(tree), self.window
        if window is None or window.tree.this != kind or window.tree.expressions != tree.expressions:
            hint = f"GROUP BY must hold {kind}(…) with exactly the same arguments"
            raise SqlError(f"{tree.this} has no window to go with", span=span, hint=hint)
        if part == "PROCTIME" or (part == "ROWTIME" and window.time.time is TimeAttribute.PROCESSING):
            if window.time.time is not TimeAttribute.PROCESSING or part == "ROWTIME":
                raise SqlError(f"{tree.this} does not fit a window over {window.time.time.value}", span=span)  # type: ignore[union-attr]
            return resolve_call("PROCTIME", (), span)
        return column_ref(window.bounds[("START", "END", "ROWTIME").index(part)], span)

    def rewrite(self, expr: Expr, others: frozenset[int] = frozenset()) -> Expr:
        """An item of the SELECT over the aggregate's output; SqlError for a column that is not grouped.

        `others`: columns that are computed on top of the aggregate.
        """
        if isinstance(expr, ColumnRef) and expr.id in others:
            return expr
        for key, column in self.keys:
            if key == expr:
                shown = self._shown(column)
                return ColumnRef(shown.id, shown.name, type=shown.type, span=expr.span)
        if isinstance(expr, ColumnRef) and expr.id not in self._output_ids():
            raise SqlError(
                f"column {expr.name} is neither grouped nor aggregated",
                span=expr.span,
                hint=f"add {expr.name} to GROUP BY or put it into an aggregate such as MAX({expr.name})",
            )
        below = children(expr)
        if not below:
            return expr
        new = tuple(self.rewrite(each, others) for each in below)
        rebuilt = rebuild(expr, new)
        # A key that is rolled up is NULL, whatever its column is.
        became = any(after.type.nullable and not before.type.nullable for before, after in zip(below, new, strict=True))
        return replace(rebuilt, type=rebuilt.type.with_nullable(True)) if became else rebuilt

    def _shown(self, key: Field) -> Field:
        """The column of the aggregate's output that holds a key."""
        return key if self.sets is None else self.sets.rolled.get(key.id, key)

    def _output_ids(self) -> set[int]:
        bounds = self.window.bounds if self.window is not None else ()
        number = () if self.sets is None else (self.sets.number,)
        keys = (self._shown(column) for _, column in self.keys)
        return {each.id for each in (*keys, *number, *(f for _, f in self.calls), *bounds)}

    def build(self) -> Plan:
        """The aggregate over its projection; call it when all items are bound."""
        below = self._projected()
        keys = tuple(self._shown(column) for _, column in self.keys)
        if self.sets is not None:
            below, keys = self.sets.expanded(below), (self.sets.number, *keys)
        results = tuple(result for _, result in self.calls)
        calls = tuple(call for call, _ in self.calls)
        key_ids = tuple(each.id for each in keys)
        if self.window is None:
            return Aggregate(input=below, keys=key_ids, calls=calls, fields=(*keys, *results), span=self.span)
        return WindowAggregate(
            input=below,
            window=self.window.window,
            time=self.window.time,
            keys=key_ids,
            calls=calls,
            bounds=self.window.bounds,
            fields=(*keys, *results, *self.window.bounds),
            span=span_of(self.window.tree),
        )

    def _projected(self) -> Plan:
        if not self.computed:
            return self.plan
        passed = self.plan.fields
        return Project(
            input=self.subqueries.attach(self.plan),
            exprs=(*(column_ref(each) for each in passed), *(expr for expr, _ in self.computed)),
            fields=(*passed, *(column for _, column in self.computed)),
        )


def is_grouped(tree: Tree) -> bool:
    """Whether a SELECT aggregates: by GROUP BY, HAVING, or an aggregate anywhere."""
    if tree.args.get("group") is not None or tree.args.get("having") is not None:
        return True
    places = [*tree.expressions, tree.args.get("qualify"), tree.args.get("order")]
    return any(has_aggregate(each) for each in places if each is not None)


def has_aggregate(tree: Tree) -> bool:
    """An aggregate of this SELECT itself: not inside a subquery, not with OVER (but inside its clauses)."""
    if isinstance(tree, exp.Query | exp.Subquery):
        return False
    if isinstance(tree, Call) and tree.args.get("over") is None and _is_grouping_call(tree.this):
        return True
    return any(has_aggregate(child) for child in tree.iter_expressions())


def _is_grouping_call(name: str) -> bool:
    return is_aggregate(name) or name in WINDOW_AUXILIARIES or name in GROUPING_CALLS
