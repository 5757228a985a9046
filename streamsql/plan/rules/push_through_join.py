"""Which conditions above a join, and in its ON, may be tested on one of its inputs instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from streamsql.expr.nodes import Call, Cast, ColumnRef, Expr, column_ids
from streamsql.expr.properties import can_fail, is_volatile
from streamsql.plan.logical import Join, JoinKind
from streamsql.plan.nearest_joins import AsofJoin
from streamsql.plan.predicates import conjunction, conjuncts, disjunction, disjuncts, is_true
from streamsql.plan.time_joins import TemporalJoin
from streamsql.plan.tree import field_ids
from streamsql.record import record

Terms = tuple[Expr, ...]


@record
class Pushed:
    """A join with its condition, what goes below its inputs, and what stays above it."""

    join: Join
    left: Terms
    right: Terms
    above: Terms


def push_through_join(plan: Join, terms: Terms) -> Pushed:
    """Split `terms`, the conditions above a join, and the join's own.

    - A condition above that no padded row passes turns an outer join into an inner one (or FULL into LEFT or RIGHT).
    - Above an inner join a condition joins the ON; there, what reads one side goes below it.
    - Above an outer join, what reads only the preserved side goes below that; in its ON, what reads only the other one.
    - SEMI and ANTI: conditions above read the left side, and go there; so does the ON of SEMI.
    - Where each alternative of an OR asks something of one side alone, this is asked below it in addition.
    - A condition that can fail stays where it meets only pairs, but for those above the preserved side, whose rows it
      would all have met. A volatile one never moves.
    """
    if isinstance(plan, TemporalJoin):
        # Every row of the right side is a version, and the condition is asked of the valid one alone.
        sides = field_ids(plan.left.fields), field_ids(plan.right.fields)
        down, _, above = _sided(terms, sides, (True, False), sees_every_row=plan.kind.keeps_left)
        return Pushed(plan, down, (), above)
    plan = replace(plan, kind=_stricter(plan, terms))
    if isinstance(plan, AsofJoin):
        # A right row that a condition takes away would leave its left row to the next one.
        sides = field_ids(plan.left.fields), field_ids(plan.right.fields)
        down, _, above = _sided(terms, sides, (not plan.kind.keeps_right, False), sees_every_row=plan.kind.keeps_left)
        return Pushed(plan, down, (), above)
    own = () if plan.residual is None else tuple(each for each in conjuncts(plan.residual) if not is_true(each))
    sides = field_ids(plan.left.fields), field_ids(plan.right.fields)
    match plan.kind:
        case JoinKind.INNER:
            movable, above = _movable(terms)
            left, right, rest = _sided(dict.fromkeys((*own, *movable)), sides, (True, True))
        case JoinKind.SEMI | JoinKind.ANTI:
            down, _, above = _sided(terms, sides, (True, False))
            left, right, rest = _sided(own, sides, (plan.kind is JoinKind.SEMI, True))
            left = (*left, *down)
        case _:
            down_left, down_right, above = _sided(
                terms,
                sides,
                (
                    plan.kind.keeps_left and not plan.kind.keeps_right,
                    plan.kind.keeps_right and not plan.kind.keeps_left,
                ),
                sees_every_row=True,
            )
            left, right, rest = _sided(own, sides, (not plan.kind.keeps_left, not plan.kind.keeps_right))
            left, right = (*left, *down_left), (*right, *down_right)
    return Pushed(replace(plan, residual=conjunction(rest) if rest else None), left, right, above)


def _movable(terms: Terms) -> tuple[Terms, Terms]:
    """Those that can be tested with the join, and from the first volatile one on what must wait for it if it fails."""
    down: list[Expr] = []
    above: list[Expr] = []
    for term in terms:
        (above if is_volatile(term) or (above and can_fail(term)) else down).append(term)
    return tuple(down), tuple(above)


def _sided(
    terms: Iterable[Expr],
    sides: tuple[frozenset[int], frozenset[int]],
    open_: tuple[bool, bool],
    *,
    sees_every_row: bool = False,
) -> tuple[Terms, Terms, Terms]:
    """Terms for the left and the right input, where these are open to them, and the rest.

    `sees_every_row`: each row of an open side reaches the condition where it stands now.
    """
    found: tuple[list[Expr], list[Expr], list[Expr]] = ([], [], [])
    for term in terms:
        read = column_ids(term)
        unsafe = is_volatile(term) or (can_fail(term) and (found[2] or not sees_every_row))
        port = next((port for port in (0, 1) if open_[port] and read and read <= sides[port]), 2)
        found[2 if unsafe else port].append(term)
        for side in (0, 1):
            if port == 2 and not unsafe and open_[side]:
                found[side].extend(_alternatives(term, sides[side]))
    return tuple(found[0]), tuple(found[1]), tuple(found[2])


def _alternatives(term: Expr, ids: frozenset[int]) -> Terms:
    """What an OR asks of these columns alone, whichever of its alternatives holds; nothing where one asks nothing."""
    branches = disjuncts(term)
    if len(branches) == 1 or can_fail(term):
        return ()
    asked = [[each for each in conjuncts(branch) if column_ids(each) <= ids] for branch in branches]
    return (disjunction([conjunction(each) for each in asked]),) if all(asked) else ()


def _stricter(plan: Join, terms: Terms) -> JoinKind:
    """The kind of join that gives the same rows, after the conditions above it."""
    keeps_left, keeps_right = plan.kind.keeps_left, plan.kind.keeps_right
    if not (keeps_left or keeps_right):
        return plan.kind
    left, right = field_ids(plan.left.fields), field_ids(plan.right.fields)
    keeps_left = keeps_left and not any(_rejects_nulls(each, right) for each in terms)
    keeps_right = keeps_right and not any(_rejects_nulls(each, left) for each in terms)
    return _KINDS[keeps_left, keeps_right]


_KINDS = {
    (True, True): JoinKind.FULL,
    (True, False): JoinKind.LEFT,
    (False, True): JoinKind.RIGHT,
    (False, False): JoinKind.INNER,
}
_STRICT = frozenset({"=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "LIKE"})
"""Functions that are NULL where one of their arguments is."""


def _rejects_nulls(term: Expr, ids: frozenset[int]) -> bool:
    """Whether a condition cannot be TRUE where all these columns are NULL."""
    match term:
        case Call(function="AND", args=args):
            return any(_rejects_nulls(each, ids) for each in args)
        case Call(function="OR", args=args):
            return all(_rejects_nulls(each, ids) for each in args)
        case Call(function="IS NOT NULL" | "NOT", args=(arg,)):
            return _is_null(arg, ids)
        case Call(function="IS TRUE", args=(arg,)):
            return _rejects_nulls(arg, ids)
        case _:
            return _is_null(term, ids)


def _is_null(expr: Expr, ids: frozenset[int]) -> bool:
    """Whether an expression certainly is NULL where all these columns are."""
    match expr:
        case ColumnRef(id=id_):
            return id_ in ids
        case Cast(arg=arg):
            return _is_null(arg, ids)
        case Call(function=name, args=args) if name in _STRICT:
            return any(_is_null(each, ids) for each in args)
        case Call(function="BETWEEN" | "IN", args=args):
            return _is_null(args[0], ids)
        case _:
            return False
