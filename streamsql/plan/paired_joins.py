"""Joins of joins: an inner join that only another one reads hands on which rows have met, instead of the rows."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.expr.types import BIGINT, Column, Schema
from streamsql.plan.logical import Field, Join, JoinKind, Plan
from streamsql.plan.state_ttl import state_ttls
from streamsql.plan.traits import traits
from streamsql.plan.tree import schema_of
from streamsql.record import record

_NUMBERS = (Column("$left", BIGINT), Column("$right", BIGINT))


@record(eq=False)
class Reader:
    """Who reads a node, and as which of its inputs."""

    plan: Plan
    port: int


def is_inner(plan: Plan) -> bool:
    """Whether the node is an inner (or cross) join whose rows stay."""
    return type(plan) is Join and plan.kind is JoinKind.INNER


def reader_of_pairs(plan: Plan, readers: Sequence[Reader | None]) -> Reader | None:
    """The one reader of a node, if numbers of rows are enough for it: both keep their rows, and none is forgotten."""
    (reader,) = readers if len(readers) == 1 else (None,)
    if reader is None or not (is_inner(plan) and is_inner(reader.plan)):
        return None
    return reader if state_ttls(plan) == (None, None) and traits(plan).append_only else None


def key_fields(plan: Plan, reader: Reader) -> tuple[Field, ...]:
    """The columns by which a join's reader finds its rows: it gets them beside the numbers."""
    assert isinstance(reader.plan, Join)
    ids = {each.right if reader.port else each.left for each in reader.plan.on}
    return tuple(each for each in plan.fields if each.id in ids)


def schema_of_pairs(keys: Sequence[Field]) -> Schema:
    """What such a join delivers: key columns, then the numbers of a left and a right row."""
    return Schema((*schema_of(keys).columns, *_NUMBERS))
