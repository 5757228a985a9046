"""Functions that no SQL calls: what subqueries and set operations need of expressions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr import types as t
from streamsql.expr.context import EvalContext
from streamsql.expr.function import Datum, Function, always
from streamsql.expr.nodes import Call
from streamsql.expr.signatures import Args, Bound

COPIES = "$COPIES"
"""COPIES(n): an array of n elements, for UNNEST to give a row n times; none where n is not positive."""
SINGLE = "$SINGLE"
"""SINGLE(value, rows): the value of a subquery that has this many rows; more than one is an error."""

_TOO_MANY = "a subquery that stands for a value gave more than one row"


def is_plans_own(name: str) -> bool:
    """Whether a function of that name is only for plans: no list of functions names it."""
    return name.startswith("$")


def _copies_rule(args: Args) -> Bound:
    return Bound(args, t.array(t.BOOLEAN.with_nullable(False)).with_nullable(False))


def _copies(count: Datum) -> Datum:
    if isinstance(count, pa.Scalar):
        return pa.scalar([True] * max(count.as_py() or 0, 0), pa.list_(pa.bool_()))
    sizes = np.maximum(pc.fill_null(count, 0).to_numpy(zero_copy_only=False), 0)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.ones(offsets[-1], np.bool_)))


def _single_rule(args: Args) -> Bound:
    return Bound(args, args[0].type.with_nullable(True))


def _single(value: Datum, rows: Datum) -> Datum:
    too_many = pc.greater(rows, 1)
    if (pc.any(too_many) if isinstance(too_many, pa.Array) else too_many).as_py():
        raise pa.ArrowInvalid(_TOO_MANY)
    return value


def _single_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    value, rows = args
    return f"(CASE WHEN {rows} > 1 THEN error('{_TOO_MANY}') ELSE {value} END)"


PLAN_FUNCTIONS = (
    Function(COPIES, COPIES, _copies_rule, always(_copies), "list_transform(range({0}), lambda x: true)"),
    Function(SINGLE, SINGLE, _single_rule, always(_single), _single_sql, can_fail=True),
)
