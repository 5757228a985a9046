"""ASOF JOIN: each left row with the nearest right row before it (or after it), by one inequality between the sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from streamsql.errors import NotSupportedYet, Span, SqlError
from streamsql.expr.coercion import coerce, common_type
from streamsql.expr.nodes import Call, ColumnRef, Expr, column_ids
from streamsql.expr.properties import can_fail, is_volatile
from streamsql.expr.resolve import resolve_call, resolve_case
from streamsql.expr.types import arrow_type
from streamsql.plan.logical import Field, JoinKind, Plan, Project, TimeAttribute, joined_fields
from streamsql.plan.nearest_joins import AsofJoin, TimedAsofJoin
from streamsql.plan.predicates import FLIPPED, conjunction, filtered, is_true
from streamsql.plan.time_bounds import moment
from streamsql.plan.tree import field_ids, fields_by_id
from streamsql.record import record
from streamsql.sql.bind_joins import Pair, Queries, merged, named_pairs, refuse_same_alias, together
from streamsql.sql.bind_on import Condition, bind_condition, join_on
from streamsql.sql.bind_time_joins import only_grows, with_times_of
from streamsql.sql.bound import Bound, under_names
from streamsql.sql.context import Context
from streamsql.sql.parse import span_of
from streamsql.sql.scope import column_ref
from streamsql.time import Duration

Tree = Any

_HINT = "write ON a.key = b.key AND a.time >= b.time, or USING (key, time)"
_PADDED = frozenset({JoinKind.LEFT, JoinKind.FULL}), frozenset({JoinKind.RIGHT, JoinKind.FULL})


@record
class _Inequality:
    """`left operator right`."""

    left: Expr
    operator: str
    right: Expr


@record
class _Times:
    """`right <= left - lag` (µs) of two event times."""

    left: Field
    right: Field
    lag: Duration


def bind_asof_join(tree: Tree, left: Bound, right: Bound, queries: Queries) -> Bound:
    """The join of each left row with the nearest right row for which the whole condition holds."""
    span, name = span_of(tree), tree.args["kind"]
    if name not in JoinKind.__members__ or tree.args.get("natural"):
        what = "NATURAL ASOF JOIN" if tree.args.get("natural") else f"ASOF {name} JOIN"
        raise SqlError(f"{what}: an ASOF JOIN needs a condition", span=span_of(tree.expression) or span, hint=_HINT)
    kind, context = JoinKind[name], queries.context
    refuse_same_alias(left.scope, right.scope, span_of(tree.expression))
    pairs = named_pairs(tree, left, right) if tree.args.get("using") else []
    said = [each for each in (tree.args.get("match_condition"), tree.args.get("on")) if each is not None]
    scope = together(left.scope, right.scope)
    on = bind_condition(said, kind, left.plan, right.plan, scope, context, queries.bind_query)
    on = replace(on, terms=(*_compared(pairs), *on.terms))
    inequality, others = _split(on, span_of(tree.expression) or span)
    if not kind.pairs:
        return under_names(join_on(kind, on, context, span), left.scope)
    if on.with_left is not None and kind.keeps_right:
        what = f"a subquery in the ON of ASOF {kind.value} that reads both sides"
        raise NotSupportedYet(what, span=span, hint="write it as a column of one side")
    if on.with_right is not None:
        others = [*on.with_right.terms, *others]
        on = replace(on, right=on.with_right.plan)
    bound = under_names(_nearest(kind, on, inequality, others, context, span), scope)
    bound = replace(bound, scope=with_times_of(bound.scope, bound.plan))
    return merged(bound, kind, [pair for pair, _ in pairs], context) if pairs else bound


def _compared(pairs: Sequence[tuple[Pair, Span | None]]) -> list[Expr]:
    """USING (key, …, time): keys are equal, and the last column is the one to go by."""
    operators = ["="] * (len(pairs) - 1) + [">="]
    return [resolve_call(operator, pair, span) for operator, (pair, span) in zip(operators, pairs, strict=False)]


def _split(on: Condition, span: Span | None) -> tuple[_Inequality, list[Expr]]:
    """The one inequality between the sides, and all other conditions."""
    found: list[_Inequality] = []
    others: list[Expr] = []
    left, right = (field_ids(each.fields) - on.results for each in (on.left, on.right))
    for term in on.terms:
        if is_true(term):
            continue
        inequality = _inequality(term, left, right)
        if inequality is None:
            others.append(term)
        elif found:
            hint = "ask it in WHERE, of the pairs that are found"
            raise SqlError(
                "an ASOF JOIN goes by one inequality, this is another one", span=term.span or span, hint=hint
            )
        else:
            found.append(inequality)
    if not found:
        raise SqlError("an ASOF JOIN needs an inequality between its sides", span=span, hint=_HINT)
    return found[0], others


def _inequality(term: Expr, left: frozenset[int], right: frozenset[int]) -> _Inequality | None:
    if not isinstance(term, Call) or term.function not in FLIPPED or term.function == "=":
        return None
    first, second = term.args
    reads = column_ids(first), column_ids(second)
    if not (reads[0] and reads[1]):
        return None
    if reads[0] <= left and reads[1] <= right:
        return _of_one_type(first, term.function, second)
    if reads[0] <= right and reads[1] <= left:
        return _of_one_type(second, FLIPPED[term.function], first)
    return None


def _of_one_type(left: Expr, operator: str, right: Expr) -> _Inequality:
    type_ = common_type((left.type, right.type))
    if arrow_type(left.type) != arrow_type(right.type) and type_ is not None:
        left, right = coerce(left, type_), coerce(right, type_)
    return _Inequality(left, operator, right)


def _nearest(
    kind: JoinKind,
    on: Condition,
    inequality: _Inequality,
    others: Sequence[Expr],
    context: Context,
    span: Span | None,
) -> AsofJoin | TimedAsofJoin:
    """Conditions over one side take rows of it away where they are not preserved, else the value that they go by."""
    of_left, of_right, rest = _sided(others, on.left, on.right)
    times = _event_times(on.left, on.right, inequality)
    keys_only = all(_is_key(each, on.left) for each in rest)
    if times is not None and keys_only and kind in (JoinKind.INNER, JoinKind.LEFT):
        mine = filtered(on.left, of_left) if kind is JoinKind.INNER else on.left
        residual = [*rest, *(of_left if kind is JoinKind.LEFT else ())]
        return _in_time(kind, mine, filtered(on.right, of_right), residual, times, span)
    plans: list[Plan] = []
    values: list[Field] = []
    for side, terms, value, padded in zip(
        (on.left, on.right), (of_left, of_right), (inequality.left, inequality.right), _PADDED, strict=True
    ):
        guard = terms if kind in padded else ()
        with_value, column = _with_value(filtered(side, () if guard else terms), value, guard, context)
        plans.append(with_value)
        values.append(column)
    return AsofJoin(
        left=plans[0],
        right=plans[1],
        kind=kind,
        residual=conjunction(rest) if rest else None,
        fields=joined_fields(kind, *plans),
        left_value=values[0],
        operator=inequality.operator,
        right_value=values[1],
        clause=f"ASOF {kind.value}",
        span=span,
    )


def _sided(terms: Sequence[Expr], left: Plan, right: Plan) -> tuple[list[Expr], list[Expr], list[Expr]]:
    """Conditions over the left side, over the right side, and those that must be asked of pairs."""
    found: tuple[list[Expr], list[Expr], list[Expr]] = ([], [], [])
    sides = field_ids(left.fields), field_ids(right.fields)
    for term in terms:
        read = column_ids(term)
        alone = not (is_volatile(term) or can_fail(term)) and read
        port = next((port for port in (0, 1) if alone and read <= sides[port]), 2)
        found[port].append(term)
    return found


def _is_key(term: Expr, left: Plan) -> bool:
    """Whether a condition on pairs finds rows by key."""
    if not isinstance(term, Call) or term.function not in ("=", "IS NOT DISTINCT FROM") or can_fail(term):
        return False
    known = field_ids(left.fields)
    reads = [column_ids(each) for each in term.args]
    return all(reads) and sum(each <= known for each in reads) == 1 and sum(not each & known for each in reads) == 1


def _event_times(left: Plan, right: Plan, inequality: _Inequality) -> _Times | None:
    """The event times that the sides go by, where no row that comes later can change what is found."""
    if inequality.operator not in (">=", ">"):
        return None
    mine, other = moment(inequality.left), moment(inequality.right)
    if mine is None or other is None:
        return None
    # left + a >= right + b says that right <= left - (b - a)
    lag = other[1] - mine[1] + (inequality.operator == ">")
    found = [fields_by_id(plan.fields)[id_] for plan, (id_, _) in ((left, mine), (right, other))]
    timed = all(each.time is TimeAttribute.EVENT for each in found) and only_grows(left) and only_grows(right)
    return _Times(found[0], found[1], lag) if timed and lag >= 0 else None


def _in_time(
    kind: JoinKind,
    left: Plan,
    right: Plan,
    residual: Sequence[Expr],
    times: _Times,
    span: Span | None,
) -> TimedAsofJoin:
    """The left time stays event time."""
    fields = joined_fields(kind, left, right)
    return TimedAsofJoin(
        left=left,
        right=right,
        kind=kind,
        residual=conjunction(residual) if residual else None,
        fields=tuple(replace(each, time=times.left.time) if each.id == times.left.id else each for each in fields),
        left_time=times.left,
        right_time=times.right,
        lag=times.lag,
        clause=f"ASOF {kind.value}",
        span=span,
    )


def _with_value(plan: Plan, value: Expr, guard: Sequence[Expr], context: Context) -> tuple[Plan, Field]:
    """The plan with the column that it goes by: NULL, which matches nothing, where the guard does not hold."""
    if guard:
        value = resolve_case(((conjunction(guard), value),), None, value.span)
    known = fields_by_id(plan.fields).get(value.id) if isinstance(value, ColumnRef) else None
    if known is not None:
        return plan, known
    column = context.field("$nearest", value.type)
    exprs = (*(column_ref(each) for each in plan.fields), value)
    return Project(input=plan, exprs=exprs, fields=(*plan.fields, column), span=plan.span), column
