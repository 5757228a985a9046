"""Functions that no SQL calls: what subqueries and set operations need of expressions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.errors import SqlError
from streamsql.expr import types as t
from streamsql.expr.context import EvalContext
from streamsql.expr.function import Datum, Function, always
from streamsql.expr.nodes import Call
from streamsql.expr.signatures import Args, Bound

COPIES = "$COPIES"
"""COPIES(n): an array of n elements, for UNNEST to give a row n times; none where n is not positive."""
SINGLE = "$SINGLE"
"""SINGLE(value, rows): the value of a subquery that has this many rows; more than one is an error."""

ZIPPED = "$ZIPPED"
"""ZIPPED(array, …): an array of ROWs of their elements, as long as the longest; NULL where one is shorter."""

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


def _zipped_rule(args: Args) -> Bound:
    for each in args:
        if each.type.kind is not t.Kind.ARRAY:
            raise SqlError(f"UNNEST of several takes arrays, this is {each.type}", span=each.span)
    names = tuple(f"EXPR${index}" for index in range(len(args)))
    elements = tuple(each.type.children[0].with_nullable(True) for each in args)
    return Bound(args, t.array(t.row(names, elements).with_nullable(False)).with_nullable(False))


def _zipped(*arrays: Datum) -> Datum:
    size = max((len(each) for each in arrays if not isinstance(each, pa.Scalar)), default=1)
    lists = [pa.repeat(each, size) if isinstance(each, pa.Scalar) else each for each in arrays]
    lengths = [pc.fill_null(pc.list_value_length(each), 0).to_numpy(zero_copy_only=False) for each in lists]
    longest = np.maximum.reduce(lengths).astype(np.int64)
    ends = np.cumsum(longest)
    place = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - longest, longest)
    columns = []
    for each, length in zip(lists, lengths, strict=True):
        starts = np.cumsum(length) - length
        at = place + np.repeat(starts, longest)
        columns.append(each.flatten().take(pa.array(at, mask=place >= np.repeat(length, longest))))
    rows = pa.StructArray.from_arrays(columns, names=[f"EXPR${index}" for index in range(len(columns))])
    found = pa.ListArray.from_arrays(pa.array(np.append(0, ends), pa.int32()), rows)
    return found if any(not isinstance(each, pa.Scalar) for each in arrays) else found[0]


def _zipped_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    longest = ", ".join(f"coalesce(len({each}), 0)" for each in args)
    fields = ", ".join(f"'EXPR${index}': ({each})[i]" for index, each in enumerate(args))
    return f"list_transform(range(1, greatest({longest}) + 1), lambda i: {{{fields}}})"


ENTRIES: tuple[Function, ...] = (
    Function(ZIPPED, ZIPPED, _zipped_rule, always(_zipped), _zipped_sql),
    Function(COPIES, COPIES, _copies_rule, always(_copies), "list_transform(range({0}), lambda x: true)"),
    Function(SINGLE, SINGLE, _single_rule, always(_single), _single_sql, can_fail=True),
)
