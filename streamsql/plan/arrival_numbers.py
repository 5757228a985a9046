"""Numbers of arrival for the rows of a source that reaches a union on several ways."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count

from streamsql.expr.nodes import Literal
from streamsql.expr.types import BIGINT
from streamsql.plan.logical import Field, Filter, Plan, Project, Scan, Session, UnaryPlan, Union, Unnest, WindowAssign
from streamsql.plan.tree import fresh_ids, reference, select
from streamsql.record import record

NUMBER = "$arrival"


@record(kw_only=True)
class Numbered(UnaryPlan):
    """The input's rows with their number of arrival, the last of `fields`."""


@record(kw_only=True)
class NumberedUnion(Union):
    """A union whose branches have a number of arrival after the columns of `fields`.

    `sources`: for each branch which source it reads; numbers count only among branches of one source.
    """

    sources: tuple[int, ...]


def number_shared_sources(plan: Union) -> Union:
    """Number the rows of scans that several branches of the union read; the union itself where there are none.

    A row that reaches the union on two ways has the same watermark and source there; only its number says that it comes
    before the source's next row, however the input is cut into batches.
    """
    origins = [_origin(each) for each in plan.branches]
    uses = Counter(each for each in origins if each is not None)
    shared = {each for each, used in uses.items() if used > 1}
    if not shared:
        return plan
    number = Field(next(fresh_ids(plan)), NUMBER, BIGINT.with_nullable(False))
    branches = tuple(
        _with_number(each, number) if origin in shared else _with_zero(each, number)
        for each, origin in zip(plan.branches, origins, strict=True)
    )
    return NumberedUnion(
        branches=branches, fields=plan.fields, sources=_sources(origins), view=plan.view, span=plan.span
    )


def _sources(origins: list[Scan | None]) -> tuple[int, ...]:
    """A number for each origin, in order of appearance; a branch of unknown origin has one of its own."""
    fresh = count()
    known: dict[Scan, int] = {}
    return tuple(next(fresh) if each is None else known.setdefault(each, next(fresh)) for each in origins)


def _origin(plan: Plan) -> Scan | None:
    """The scan whose rows the branch delivers one by one as they come."""
    match plan:
        case Scan():
            return plan
        case WindowAssign(window=Session()):
            return None
        case Filter() | Project() | Unnest() | WindowAssign():
            return _origin(plan.input)
        case _:
            return None


def _with_number(plan: Plan, number: Field) -> Plan:
    return select(_carry(plan, number), (*plan.fields, number))


def _with_zero(plan: Plan, number: Field) -> Plan:
    refs = tuple(reference(each) for each in plan.fields)
    zero = Literal(type=number.type, value=0)
    return Project(input=plan, exprs=(*refs, zero), fields=(*plan.fields, number), span=plan.span)


def _carry(plan: Plan, number: Field) -> Plan:
    """The branch with the number as one more column."""
    match plan:
        case Scan():
            return Numbered(input=plan, fields=(*plan.fields, number), span=plan.span)
        case Project():
            below = _carry(plan.input, number)
            return replace(plan, input=below, exprs=(*plan.exprs, reference(number)), fields=(*plan.fields, number))
        case Filter():
            return replace(plan, input=_carry(plan.input, number), fields=(*plan.fields, number))
        case Unnest():  # its elements stay the last columns
            return replace(plan, input=_carry(plan.input, number), fields=(number, *plan.fields))
        case WindowAssign():
            below = _carry(plan.input, number)
            return replace(plan, input=below, fields=(*below.fields, *plan.bounds))
        case _:
            raise TypeError(type(plan).__name__)
