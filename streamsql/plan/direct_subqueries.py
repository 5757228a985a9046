"""A subquery that is an aggregate for given keys, joined to the rows around it without looking at its domain first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streamsql.errors import Span
from streamsql.expr.nodes import Expr, substitute
from streamsql.expr.properties import is_volatile
from streamsql.plan.decorrelate import Dependent
from streamsql.plan.logical import Aggregate, Join, JoinKind, Plan, Project, joined_fields
from streamsql.plan.tree import positions, reference


def beside(outer: Plan, source: Plan, dependent: Dependent, *, clause: str, span: Span | None) -> Project | None:
    """`outer` with the columns of a subquery beside its own; None where the subquery has another form.

    `dependent` is the subquery for the domain that `source` has, whose rows are those of `outer`. It is
    `outer LEFT JOIN (domain LEFT JOIN groups)`, where each row finds its values in the domain: the same as `outer LEFT
    JOIN groups`.
    """
    exprs, plan = [reference(each) for each in dependent.plan.fields], dependent.plan
    computed: Sequence[Expr] = exprs
    while isinstance(plan, Project):
        values = {each.id: expr for each, expr in zip(plan.fields, plan.exprs, strict=True)}
        computed, plan = [substitute(each, values) for each in computed], plan.input
    if not isinstance(plan, Join) or plan.residual is None or not _is_domain(plan.left, source):
        return None
    if any(is_volatile(each) for each in computed):
        return None
    around = dict(zip(positions(plan.left.fields), dependent.values, strict=True))
    join = replace(
        plan,
        left=outer,
        residual=substitute(plan.residual, around),
        fields=joined_fields(JoinKind.LEFT, outer, plan.right),
        clause=clause,
        span=span,
    )
    return Project(
        input=join,
        exprs=(*map(reference, outer.fields), *(substitute(each, around) for each in computed)),
        fields=joined_fields(JoinKind.LEFT, outer, dependent.plan),
        span=span,
    )


def _is_domain(plan: Plan, source: Plan) -> bool:
    """Whether these are the combinations of values that the rows of `source` have."""
    match plan:
        case Project(input=Aggregate(calls=(), input=Project(input=below))):
            return below is source
        case _:
            return False
