"""FOR SYSTEM_TIME AS OF: joins with the version of a row that was valid at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from streamsql.errors import NotSupportedYet, SqlError
from streamsql.expr.nodes import ColumnRef
from streamsql.plan.logical import Field, Join, TimeAttribute
from streamsql.plan.time_joins import processing_time_join, temporal_join
from streamsql.sql.bind_expressions import ExpressionBinder, is_processing_time
from streamsql.sql.bind_joins import Queries, bind_join
from streamsql.sql.bind_time_joins import with_times_of
from streamsql.sql.bound import Bound
from streamsql.sql.dialect import exp
from streamsql.sql.parse import span_of

Tree = Any


def bind_temporal_join(tree: Tree, left: Bound, right: Bound, as_of: Tree, queries: Queries) -> Bound:
    """The join of each left row with the version that was valid at a time of its own."""
    if tree.args["kind"] not in ("INNER", "LEFT") or tree.args.get("on") is None:
        raise SqlError(
            "FOR SYSTEM_TIME AS OF goes with JOIN or LEFT JOIN, and ON", span=span_of(tree.expression) or span_of(tree)
        )
    time = _time(as_of, left)
    inside = tree.args["on"].find(exp.Query)
    if inside is not None:
        raise NotSupportedYet("a subquery in the ON of a temporal join", span=span_of(inside), hint="write it in WHERE")
    bound = bind_join(tree, left, right, queries)
    assert isinstance(bound.plan, Join)
    plan = processing_time_join(bound.plan) if time is None else temporal_join(bound.plan, time)
    return replace(bound, plan=plan, scope=with_times_of(bound.scope, plan))


def _time(tree: Tree, left: Bound) -> Field | None:
    """The event time of the left side; None for a processing time."""
    expr = ExpressionBinder(left.scope, "FOR SYSTEM_TIME AS OF").bind(tree)
    found = next((each for each in left.plan.fields if isinstance(expr, ColumnRef) and each.id == expr.id), None)
    attribute = TimeAttribute.PROCESSING if is_processing_time(expr) else None if found is None else found.time
    if attribute is TimeAttribute.PROCESSING:
        return None
    if found is None or attribute is None:
        raise SqlError(
            "FOR SYSTEM_TIME AS OF goes by a time attribute of the left side",
            span=span_of(tree),
            hint="name a column that its table declares a WATERMARK FOR, or write PROCTIME()",
        )
    return found
