"""Subqueries that read the query around them, as joins: they are computed for all rows of that query at once.

The method is that of Neumann and Kemper ("Unnesting Arbitrary Queries", 2015): the columns that a subquery reads make
up its domain, each combination of values once; the subquery is computed for the whole domain, which is handed down to
where it is read, and its result is joined with the rows around it by these columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from streamsql.errors import NotSupportedYet, Span
from streamsql.expr import types as t
from streamsql.expr.nodes import Call, Cast, ColumnRef, Expr, Literal, column_ids, substitute, transform, walk
from streamsql.expr.properties import can_fail
from streamsql.expr.resolve import resolve_call
from streamsql.expr.types import SqlType, arrow_type
from streamsql.plan.logical import (
    Aggregate,
    Field,
    Filter,
    Join,
    JoinKind,
    Limit,
    OverAggregate,
    Plan,
    Project,
    RankOver,
    Sort,
    SortKey,
    Union,
    Unnest,
    Values,
    joined_fields,
)
from streamsql.plan.nearest_joins import AsofJoin, TimedAsofJoin
from streamsql.plan.padding import padded
from streamsql.plan.predicates import conjunction, conjuncts
from streamsql.plan.rules.live_limits import beside_its_order, top_rows
from streamsql.plan.time_joins import IntervalJoin, said_by
from streamsql.plan.tree import (
    expressions,
    field_ids,
    fields_by_id,
    map_expressions,
    reference,
    select,
    transform_up,
    walk_plan,
)
from streamsql.record import record

NewField = Callable[[str, SqlType], Field]
Fields = tuple[Field, ...]


def outer_columns(plan: Plan) -> tuple[ColumnRef, ...]:
    """The columns that a plan reads and no part of it delivers, each once."""
    found: dict[int, ColumnRef] = {}
    for node in walk_plan(plan):
        known = {each.id for below in node.inputs for each in below.fields}
        for expr in expressions(node) if node.inputs else ():
            for each in walk(expr):
                if isinstance(each, ColumnRef) and each.id not in known:
                    found.setdefault(each.id, each)
    return tuple(found.values())


@record
class Dependent:
    """A subquery for its whole domain.

    `keys`: the columns of its plan that say for which values, in domain order; `values`: those of a row around it.
    """

    plan: Plan
    keys: Fields = ()
    values: tuple[Expr, ...] = ()

    def matches(self) -> list[Expr]:
        """That a row around the subquery has these values."""
        return [_same(mine, key) for mine, key in zip(self.values, self.keys, strict=True)]


def decorrelated(outer: Plan, inner: Plan, columns: Sequence[ColumnRef], field: NewField) -> Dependent:
    """The subquery `inner` without its references to `columns` of `outer`."""
    if not columns:
        return Dependent(_always_a_row(inner, outer, field))
    inner, exprs, read = _casts_as_columns(inner, columns, field)
    copies = tuple(field(each.name, each.type) for each in read)
    rows = Project(input=outer, exprs=exprs, fields=copies)
    plan = Aggregate(input=rows, keys=tuple(each.id for each in copies), calls=(), fields=copies)
    direct = not any(can_fail(expr) for node in walk_plan(inner) for expr in expressions(node))
    dependent = _Domain(plan, tuple(each.id for each in read), field, direct).push(inner)
    return replace(dependent, values=exprs)


def _casts_as_columns(
    inner: Plan, columns: Sequence[ColumnRef], field: NewField
) -> tuple[Plan, tuple[Expr, ...], tuple[ColumnRef, ...]]:
    """The subquery with a column in place of `CAST(column AS type)`, where it reads the column so only.

    Beside it what stands for the columns around the subquery, and the columns that it reads now.
    """
    reads = [each for node in walk_plan(inner) for expr in expressions(node) for each in walk(expr)]
    stands: dict[Expr, ColumnRef] = {}
    exprs: list[Expr] = []
    for column in columns:
        casts = {each for each in reads if isinstance(each, Cast) and each.arg == column and not can_fail(each)}
        plain = sum(each == column for each in reads) - sum(each in casts for each in reads)
        cast = casts.pop() if len(casts) == 1 and not plain else None
        exprs.append(cast or column)
        if cast is not None:
            stands[cast] = reference(field(column.name, cast.type))
    if stands:
        inner = transform_up(
            inner,
            lambda node: map_expressions(node, lambda expr: transform(expr, lambda each: stands.get(each, each))),
        )
    read = tuple(stands.get(each, column) for each, column in zip(exprs, columns, strict=True))
    return inner, tuple(exprs), read


def dependent_join(
    kind: JoinKind, outer: Plan, inner: Plan, terms: Sequence[Expr], field: NewField, *, clause: str, span: Span | None
) -> Join:
    """The join of a relation with a query that may read it, under conditions on both."""
    known = field_ids(outer.fields)
    columns = tuple(each for each in outer_columns(inner) if each.id in known)
    dependent = decorrelated(outer, inner, columns, field)
    inner, terms = dependent.plan, [*terms, *dependent.matches()]
    residual = conjunction(terms) if terms else None
    fields = joined_fields(kind, outer, inner)
    return Join(left=outer, right=inner, kind=kind, residual=residual, fields=fields, clause=clause, span=span)


def _always_a_row(plan: Plan, outer: Plan, field: NewField) -> Plan:
    """A query whose aggregate has no GROUP BY with its one row also where there is nothing to aggregate.

    A plan that would give NULL there, as what is joined to it does without a row, stays as it is.
    """
    match plan:
        case Aggregate(keys=()) if any(each.function == "COUNT" for each in plan.calls):
            return _over_nothing(plan, _one_row(outer, field), Dependent(plan), field).plan
        case Project(input=Aggregate() as below) if all(isinstance(each, ColumnRef) for each in plan.exprs):
            return replace(plan, input=_always_a_row(below, outer, field))
        case Project(input=Aggregate(keys=()) as below) | Filter(input=Aggregate(keys=()) as below):
            return replace(plan, input=_over_nothing(below, _one_row(outer, field), Dependent(below), field).plan)
        case Project() | Filter():
            return replace(plan, input=_always_a_row(plan.input, outer, field))
        case _:
            return plan


def _one_row(outer: Plan, field: NewField) -> Dependent:
    """One row as soon as there is one around the subquery."""
    one = field("$one", t.BOOLEAN.with_nullable(False))
    rows = Project(input=outer, exprs=(Literal(True, type=one.type),), fields=(one,))
    return Dependent(Aggregate(input=rows, keys=(one.id,), calls=(), fields=(one,)))


def _over_nothing(plan: Aggregate, domain: Dependent, grouped: Dependent, field: NewField) -> Dependent:
    """The groups of a domain, those without rows too: COUNT is 0 there, and all else NULL."""
    inner = _under_new_ids(grouped, field)
    terms = [_same(reference(mine), key) for mine, key in zip(domain.keys, inner.keys, strict=True)]
    join = Join(
        left=domain.plan,
        right=inner.plan,
        kind=JoinKind.LEFT,
        residual=conjunction(terms) if terms else None,
        fields=joined_fields(JoinKind.LEFT, domain.plan, inner.plan),
        clause=plan.clause,
        span=plan.span,
    )
    delivered = fields_by_id(join.fields)
    results = inner.plan.fields[len(inner.plan.fields) - len(plan.calls) :]
    values: list[Expr] = []
    for call, result in zip(plan.calls, results, strict=True):
        value: Expr = reference(delivered[result.id])
        if call.function == "COUNT":
            value = resolve_call("COALESCE", (value, Literal(0, type=t.BIGINT.with_nullable(False))))
        values.append(value)
    fields = tuple(replace(each, type=value.type) for each, value in zip(plan.fields, values, strict=True))
    exprs = (*(reference(each) for each in domain.keys), *values)
    return Dependent(Project(input=join, exprs=exprs, fields=(*domain.keys, *fields)), domain.keys)


def _in_two(plan: Join, field: NewField) -> Union:
    """A FULL JOIN as a LEFT JOIN, and the right rows without partner."""
    some = replace(plan, kind=JoinKind.LEFT, fields=joined_fields(JoinKind.LEFT, plan.left, plan.right))
    right = joined_fields(JoinKind.ANTI, plan.right, plan.left)
    alone = replace(plan, kind=JoinKind.ANTI, left=plan.right, right=plan.left, fields=right)
    branches = (padded(some, plan.fields, field), padded(alone, plan.fields, field))
    return Union(branches=branches, fields=plan.fields, span=plan.span)


def _under_new_ids(dependent: Dependent, field: NewField) -> Dependent:
    plan = dependent.plan
    fields = tuple(field(each.name, each.type) for each in plan.fields)
    renamed = dict(zip((each.id for each in plan.fields), fields, strict=True))
    exprs = tuple(reference(each) for each in plan.fields)
    return Dependent(
        Project(input=plan, exprs=exprs, fields=fields), tuple(renamed[each.id] for each in dependent.keys)
    )


def _same(column: Expr, key: Field) -> Expr:
    return resolve_call("IS NOT DISTINCT FROM", (column, reference(key)))


@record
class _Domain:
    """What a subquery reads of the rows around it.

    `plan` delivers each combination of the values of `columns` once. `direct`: where the subquery itself says by an
    equality which values it is about, it may be computed for all that it has.
    """

    plan: Plan
    columns: tuple[int, ...]
    field: NewField
    direct: bool

    def push(self, plan: Plan) -> Dependent:
        """A part of the subquery for the whole domain."""
        if not self.reads(plan):
            return self._crossed(plan)
        match plan:
            case Filter():
                return self._filter(plan)
            case Project() | Unnest() | Union() | Sort():
                return self._rows(plan)
            case Aggregate():
                return self._aggregate(plan)
            case Limit(input=Project(input=Sort())):
                return self.push(beside_its_order(plan))
            case Limit():
                return self._limit(plan)
            case RankOver() | OverAggregate():
                below = self.push(plan.input)
                added = plan.fields[len(plan.input.fields) :]
                fields = (*below.plan.fields, *added)
                partition = (*plan.partition, *(each.id for each in below.keys))
                return replace(below, plan=replace(plan, input=below.plan, partition=partition, fields=fields))
            case TimedAsofJoin(lag=0 | 1):
                return self._join(plan.untimed())
            case IntervalJoin():
                return self._join(Join(**said_by(plan)))
            case Join() if type(plan) in (Join, AsofJoin):
                return self._join(plan)
            case _:
                what = f"a column of the query around it below {type(plan).__name__} in a subquery"
                raise NotSupportedYet(what, span=self._place(plan))

    def reads(self, plan: Plan) -> bool:
        """Whether a part of the subquery reads the domain."""
        return any(each.id in self.columns for each in outer_columns(plan))

    def _place(self, plan: Plan) -> Span | None:
        return next((each.span for each in outer_columns(plan) if each.id in self.columns), plan.span)

    def _copy(self) -> Dependent:
        return _under_new_ids(Dependent(self.plan, self.plan.fields), self.field)

    def _crossed(self, plan: Plan) -> Dependent:
        """A part that is the same for all values, beside each of them."""
        copy = self._copy()
        if isinstance(plan, Values) and not plan.fields:
            return copy
        fields = joined_fields(JoinKind.INNER, plan, copy.plan)
        joined = Join(left=plan, right=copy.plan, kind=JoinKind.INNER, fields=fields, span=plan.span)
        return replace(copy, plan=joined)

    def _over(self, keys: Fields) -> dict[int, Expr]:
        return dict(zip(self.columns, map(reference, keys), strict=True))

    def _filter(self, plan: Filter) -> Dependent:
        direct = self._by_equalities(plan) if self.direct and not self.reads(plan.input) else None
        if direct is not None:
            return direct
        below = self.push(plan.input)
        predicate = substitute(plan.predicate, self._over(below.keys))
        return replace(below, plan=Filter(input=below.plan, predicate=predicate, fields=below.plan.fields))

    def _by_equalities(self, plan: Filter) -> Dependent | None:
        """The rows below a filter with the values that it asks of the domain, where it says so for all columns."""
        asked = dict[int, Expr]()
        terms = list[Expr]()
        for term in conjuncts(plan.predicate):
            column, value = self._equality(term, plan) or (None, term)
            if column is None or column in asked:
                terms.append(term)
            else:
                asked[column] = value
                terms.append(resolve_call("IS NOT NULL", (value,), term.span))
        if set(asked) != set(self.columns):
            return None
        exprs = tuple(asked[each] for each in self.columns)
        keys = tuple(self.field(f"$key{index}", each.type) for index, each in enumerate(exprs))
        below = plan.input
        passed = tuple(reference(each) for each in below.fields)
        keyed = Project(input=below, exprs=(*passed, *exprs), fields=(*below.fields, *keys))
        predicate = substitute(conjunction(terms), self._over(keys))
        return Dependent(Filter(input=keyed, predicate=predicate, fields=keyed.fields), keys)

    def _equality(self, term: Expr, plan: Filter) -> tuple[int, Expr] | None:
        """`column of the domain = expression over the filter's input`, whichever way round."""
        if not isinstance(term, Call) or term.function != "=":
            return None
        known = field_ids(plan.input.fields)
        for one, other in (term.args, term.args[::-1]):
            if not isinstance(one, ColumnRef) or one.id not in self.columns:
                continue
            if column_ids(other) and column_ids(other) <= known and arrow_type(one.type) == arrow_type(other.type):
                return one.id, other
        return None

    def _rows(self, plan: Project | Unnest | Union | Sort) -> Dependent:
        match plan:
            case Project():
                below = self.push(plan.input)
                over = self._over(below.keys)
                exprs = (*(substitute(each, over) for each in plan.exprs), *map(reference, below.keys))
                return replace(below, plan=Project(input=below.plan, exprs=exprs, fields=(*plan.fields, *below.keys)))
            case Unnest():
                below = self.push(plan.input)
                added = plan.fields[len(plan.input.fields) :]
                expr = substitute(plan.expr, self._over(below.keys))
                fields = (*below.plan.fields, *added)
                return replace(below, plan=replace(plan, input=below.plan, expr=expr, fields=fields))
            case Union():
                return self._union(plan)
            case Sort():
                # Without LIMIT the order of a subquery says nothing.
                return self.push(plan.input)

    def _union(self, plan: Union) -> Dependent:
        branches = [(each, self.push(each)) for each in plan.branches]
        keys = tuple(self.field(each.name, each.type) for each in self.plan.fields)
        selected = tuple(select(each.plan, (*branch.fields, *each.keys)) for branch, each in branches)
        return Dependent(replace(plan, branches=selected, fields=(*plan.fields, *keys)), keys)

    def _aggregate(self, plan: Aggregate) -> Dependent:
        below = self.push(plan.input)
        own, results = plan.fields[: len(plan.keys)], plan.fields[len(plan.keys) :]
        keys = (*plan.keys, *(each.id for each in below.keys))
        grouped = replace(plan, input=below.plan, keys=keys, fields=(*own, *below.keys, *results))
        if plan.keys or not plan.calls:
            return replace(below, plan=grouped)
        return _over_nothing(plan, self._copy(), Dependent(grouped, below.keys), self.field)

    def _limit(self, plan: Limit) -> Dependent:
        order: tuple[SortKey, ...] = ()
        source = plan.input
        if isinstance(source, Sort):
            order, source = source.keys, source.input
        below = self.push(source)
        partition = tuple(each.id for each in below.keys)
        return replace(below, plan=top_rows(plan, below.plan, order, partition))

    def _join(self, plan: Join) -> Dependent:
        """The side whose rows all appear carries the domain; the other one too where it reads it.

        What a left row of an ASOF join finds depends on the whole right side: there the left one always carries it.
        """
        if plan.kind is JoinKind.FULL and type(plan) is Join:
            return self._union(_in_two(plan, self.field))
        if plan.kind is JoinKind.FULL:
            raise NotSupportedYet("an ASOF FULL JOIN that reads the query around it", span=self._place(plan))
        if plan.kind is JoinKind.RIGHT:
            right = self.push(plan.right)
            needed = self.reads(plan.left) or isinstance(plan, AsofJoin)
            left = self.push(plan.left) if needed else Dependent(plan.left)
            keys, others = right.keys, left.keys
        else:
            only_right = plan.kind is JoinKind.INNER and self.reads(plan.right) and not self.reads(plan.left)
            only_right = only_right and not isinstance(plan, AsofJoin)
            left = Dependent(plan.left) if only_right else self.push(plan.left)
            right = self.push(plan.right) if self.reads(plan.right) else Dependent(plan.right)
            keys, others = (right.keys, ()) if only_right else (left.keys, right.keys)
        terms = [] if plan.residual is None else [substitute(plan.residual, self._over(keys))]
        if others:
            terms += [_same(reference(mine), other) for mine, other in zip(keys, others, strict=True)]
        joined = replace(
            plan,
            left=left.plan,
            right=right.plan,
            residual=conjunction(terms) if terms else None,
            fields=joined_fields(plan.kind, left.plan, right.plan),
        )
        return Dependent(joined, keys)
