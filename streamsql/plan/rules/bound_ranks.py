"""A ranking with a condition on the rank becomes a Top-N, within windows or over the whole table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streamsql.errors import NotSupportedYet
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.nodes import Cast, ColumnRef, Expr
from streamsql.expr.windows import UP_TO_CURRENT
from streamsql.plan.logical import Attached, Field, Filter, OverAggregate, Plan, Rank, RankOver, WindowRank
from streamsql.plan.predicates import comparison, conjuncts, filtered
from streamsql.plan.trait_values import WindowColumns
from streamsql.plan.traits import traits
from streamsql.plan.tree import fields_by_id, transform_up
from streamsql.record import record


def bound_ranks(plan: Plan) -> Plan:
    """Turn `WHERE rank <= n` over ROW_NUMBER() OVER (PARTITION BY … ORDER BY …) into a Rank.

    It is a WindowRank where the partition holds window_start and window_end of a window below. A ranking without an
    upper bound becomes an OverAggregate.
    """
    bounded = transform_up(plan, lambda node: _bound(node) if isinstance(node, Filter) else node)
    return transform_up(bounded, _unbounded)


def _unbounded(plan: Plan) -> Plan:
    """A ranking of all rows is a call like any other of OVER."""
    if not isinstance(plan, RankOver):
        return plan
    call = AggregateCall(function=plan.function, args=(), type=plan.rank.type, span=plan.span)
    below = plan.input
    if (
        plan.order
        and isinstance(below, OverAggregate)
        and (below.partition, below.order) == (plan.partition, plan.order)
    ):
        # A ranking goes by the order alone, whatever the frame of the other calls.
        return replace(below, calls=(*below.calls, call), fields=plan.fields)
    return OverAggregate(
        input=plan.input,
        partition=plan.partition,
        order=plan.order,
        frame=UP_TO_CURRENT,
        calls=(call,),
        fields=plan.fields,
        span=plan.span,
    )


@record
class _Ranks:
    """`first <= rank <= last`, and the conditions that say something else."""

    first: int
    last: int | None
    others: tuple[Expr, ...]


def _bound(plan: Filter) -> Plan:
    below = plan.input
    if not isinstance(below, RankOver):
        return plan
    ranks = _ranks(conjuncts(plan.predicate), below.rank)
    if ranks.last is None:
        return plan
    window = traits(below.input).window
    if window is None or not {window.start, window.end} <= set(below.partition):
        return filtered(_rank(below, ranks.first, ranks.last), ranks.others)
    if below.function != "ROW_NUMBER":
        raise NotSupportedYet(f"{below.function} within windows", span=below.span, hint="use ROW_NUMBER()")
    return filtered(_window_rank(below, window, ranks.first, ranks.last), ranks.others)


def _rank(plan: RankOver, first: int, last: int) -> Rank:
    return Rank(
        input=plan.input,
        function=plan.function,
        partition=plan.partition,
        order=plan.order,
        first=first,
        last=last,
        rank=plan.rank,
        clause=plan.function,
        fields=plan.fields,
        span=plan.span,
    )


def _window_rank(plan: RankOver, window: WindowColumns, first: int, last: int) -> WindowRank:
    fields = fields_by_id(plan.input.fields)
    columns = (window.start, window.end, window.time)
    time = replace(fields[window.end], time=window.attribute) if window.time is None else fields[window.time]
    return WindowRank(
        input=plan.input,
        window=Attached(window.start, window.end),
        time=time,
        partition=tuple(each for each in plan.partition if each not in columns),
        order=plan.order,
        first=first,
        last=last,
        rank=plan.rank,
        fields=plan.fields,
        span=plan.span,
    )


def _ranks(terms: Sequence[Expr], rank: Field) -> _Ranks:
    first, last, others = 1, None, []
    for term in terms:
        limits = _limits(term, rank)
        if limits is None:
            others.append(term)
            continue
        low, high = limits
        first = max(first, low or 1)
        if high is not None:
            last = high if last is None else min(last, high)
    return _Ranks(first, last, tuple(others))


def _limits(term: Expr, rank: Field) -> tuple[int | None, int | None] | None:
    """The ranks that a condition allows; None where it is about something else."""
    compared = comparison(term)
    if compared is None:
        return None
    column, operator, literal = compared
    column = column.arg if isinstance(column, Cast) else column
    if not isinstance(column, ColumnRef) or column.id != rank.id or not isinstance(literal.value, int):
        return None
    value = literal.value
    limits = {"=": (value, value), "<=": (None, value), "<": (None, value - 1)}
    return limits.get(operator, (value + (operator == ">"), None))
