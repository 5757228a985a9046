"""Equalities in the condition of a join become the keys by which its rows are found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from streamsql.errors import SqlError
from streamsql.expr.coercion import coerce, common_type
from streamsql.expr.nodes import Call, ColumnRef, Expr, column_ids, transform
from streamsql.expr.properties import can_fail, is_volatile
from streamsql.expr.types import arrow_type
from streamsql.plan.logical import Field, Join, JoinKey, Plan, Project
from streamsql.plan.nearest_joins import TimedAsofJoin
from streamsql.plan.predicates import conjunction, conjuncts, open_equality
from streamsql.plan.time_joins import TemporalJoin
from streamsql.plan.tree import field_ids, fresh_ids, reference, transform_up

_NULL_SAFE = {"=": False, "IS NOT DISTINCT FROM": True}


def join_keys(plan: Plan) -> Plan:
    """Take `left expression = right expression` (or IS NOT DISTINCT FROM) out of the residual conditions of joins.

    An expression that is no column is computed below the join. One that can fail only where nothing stands before it in
    the condition, as every row then meets it if there is any on the other side; else it stays, and sees the pairs left.
    The sides of `(x = y) IS NOT FALSE`, which NOT IN asks, become columns too.
    """
    ids = fresh_ids(plan)
    return transform_up(plan, lambda node: _split(node, ids) if isinstance(node, Join) else node)


def _split(plan: Join, ids: Iterator[int]) -> Plan:
    if plan.residual is None:
        return plan
    sides = _Side(plan.left, ids), _Side(plan.right, ids)
    keys, others = list(plan.on), list[Expr]()
    for term in conjuncts(plan.residual):
        if is_volatile(term):
            raise SqlError(
                "the condition of a join cannot use a function that gives another value each time: a pair that is "
                "taken back would be judged anew",
                span=term.span or plan.span,
                hint="compute it as a column of one of the inputs",
            )
        pair = _equality(term, plan)
        if pair is None or not _may_be_key(plan, pair) or (can_fail(term) and (keys or others)):
            others.append(_over_columns(term, plan, sides))
            continue
        left, right, null_safe = pair
        keys.append(JoinKey(sides[0].column(left), sides[1].column(right), null_safe))
    residual = conjunction(others) if others else None
    if isinstance(plan, TemporalJoin) and not isinstance(plan, TimedAsofJoin):
        _check_version_key(plan, keys)
    return replace(plan, left=sides[0].plan(), right=sides[1].plan(), on=tuple(dict.fromkeys(keys)), residual=residual)


def _over_columns(term: Expr, plan: Join, sides: tuple[_Side, _Side]) -> Expr:
    """`(x = y) IS NOT FALSE` with its sides as columns; any other term as it is."""
    equality = open_equality(term)
    pair = None if equality is None or can_fail(term) else _equality(equality, plan)
    if equality is None or pair is None:
        return term
    columns = tuple(
        ColumnRef(side.column(expr), type=expr.type, name="$key") for side, expr in zip(sides, pair[:2], strict=True)
    )
    return transform(term, lambda each: replace(equality, args=columns) if each is equality else each)


def _may_be_key(plan: Join, pair: tuple[Expr, Expr, bool]) -> bool:
    """Versions are told apart by their key alone; what else is asked of them is asked of the valid one."""
    if not isinstance(plan, TemporalJoin) or isinstance(plan, TimedAsofJoin):
        return True
    _, right, null_safe = pair
    return isinstance(right, ColumnRef) and not null_safe and right.id in field_ids(plan.version_key)


def _check_version_key(plan: TemporalJoin, keys: list[JoinKey]) -> None:
    missing = [each.name for each in plan.version_key if each.id not in {key.right for key in keys}]
    if missing:
        raise SqlError(
            f"a temporal join must compare the whole key of the versions: {', '.join(missing)} is missing",
            span=plan.span,
            hint="write ON left.key = right.key for each column of the key",
        )


def _equality(term: Expr, plan: Join) -> tuple[Expr, Expr, bool] | None:
    """The left and the right side of an equality, of one type; None where the term is something else."""
    if not isinstance(term, Call) or term.function not in _NULL_SAFE:
        return None
    first, second = term.args
    left, right = field_ids(plan.left.fields), field_ids(plan.right.fields)
    if not (_reads(first, left) and _reads(second, right)):
        first, second = second, first
    if not (_reads(first, left) and _reads(second, right)):
        return None
    if arrow_type(first.type) != arrow_type(second.type):
        type_ = common_type((first.type, second.type))
        if type_ is None:
            return None
        first, second = coerce(first, type_), coerce(second, type_)
    return first, second, _NULL_SAFE[term.function]


def _reads(expr: Expr, ids: frozenset[int]) -> bool:
    """Whether it reads columns, and only these."""
    return bool(column_ids(expr)) and column_ids(expr) <= ids


class _Side:
    """An input of a join, and the columns that must be computed for its keys."""

    def __init__(self, plan: Plan, ids: Iterator[int]) -> None:
        self._plan = plan
        self._ids = ids
        self._computed: dict[Expr, Field] = {}

    def column(self, expr: Expr) -> int:
        """The id of the column that holds an expression."""
        if isinstance(expr, ColumnRef):
            return expr.id
        if expr not in self._computed:
            id_ = next(self._ids)
            self._computed[expr] = Field(id_, f"$key{len(self._computed)}", expr.type)
        return self._computed[expr].id

    def plan(self) -> Plan:
        """The input with those columns."""
        if not self._computed:
            return self._plan
        below = self._plan
        return Project(
            input=below,
            exprs=(*(reference(each) for each in below.fields), *self._computed),
            fields=(*below.fields, *self._computed.values()),
            span=below.span,
        )
