"""Results that are read off lists of values: texts, arrays, multisets, chosen rows, bits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.errors import DataError
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.functions_sketch import BIAS, BUCKETS, RANKS
from streamsql.expr.types import arrow_type
from streamsql.state.first_rows import FirstRow
from streamsql.state.fixed_width import Int64Array, array_of, int64_array, values_of
from streamsql.state.grouping import group_rows, normalize_key
from streamsql.state.ordering import lexical_order
from streamsql.state.value_lists import ValueList

ReadList = Callable[[ValueList, int, AggregateCall], pa.Array]
"""From the values of groups, their number and the call to one result a group."""


def joined(rows: ValueList, size: int, call: AggregateCall) -> pa.Array:
    """LISTAGG: one text a group; NULL where a group has none."""
    counts = np.bincount(rows.ids, minlength=size)
    separator = str(call.options[0]) if call.options else ","
    return pc.if_else(pa.array(counts > 0), _join(rows.values[0], counts, separator), pa.scalar(None, pa.string()))


def arrays(rows: ValueList, size: int, call: AggregateCall) -> pa.Array:
    """ARRAY_AGG: NULL where a group has no values."""
    counts = np.bincount(rows.ids, minlength=size)
    lists = pa.ListArray.from_arrays(_offsets(counts), rows.values[0], mask=pa.array(counts == 0))
    return lists.cast(arrow_type(call.type))


def multisets(rows: ValueList, size: int, call: AggregateCall) -> pa.Array:
    """COLLECT: each value with its count; empty where a group has none."""
    counts = np.bincount(rows.ids, minlength=size)
    items = pa.array(rows.weights(), pa.int32())
    maps = pa.MapArray.from_arrays(_offsets(counts), rows.values[0], items)
    return maps.cast(arrow_type(call.type))


def json_arrays(rows: ValueList, size: int, call: AggregateCall) -> pa.Array:
    """JSON_ARRAYAGG of JSON texts; a NULL among them is null."""
    counts = np.bincount(rows.ids, minlength=size)
    return _enclosed("[", _join(pc.fill_null(rows.values[0], "null"), counts, ","), "]")


def json_objects(rows: ValueList, size: int, call: AggregateCall) -> pa.Array:
    """JSON_OBJECTAGG of keys, their JSON texts and those of the values, in the order of the keys."""
    keys, texts, values = rows.values
    if keys.null_count:
        raise DataError("a key of JSON_OBJECTAGG is NULL", span=call.span, hint="leave such rows out with FILTER")
    table = pa.Table.from_arrays([int64_array(rows.ids), keys], ["group", "key"])
    order = pc.sort_indices(table, sort_keys=[("group", "ascending"), ("key", "ascending")])
    keys, ids = keys.take(order), rows.ids[order.to_numpy()]
    same = pc.equal(keys.slice(1), keys.slice(0, max(len(keys) - 1, 0))).to_numpy(zero_copy_only=False)
    twice = np.flatnonzero(same & (ids[1:] == ids[:-1]))
    if len(twice):
        key = keys[int(twice[0])].as_py()
        raise DataError(f"the key {key!r} comes twice in a JSON_OBJECTAGG", span=call.span, hint="group by the key too")
    pairs = pc.binary_join_element_wise(texts.take(order), pc.fill_null(values.take(order), "null"), ":")
    return _enclosed("{", _join(pairs, np.bincount(ids, minlength=size), ","), "}")


def first_row(rows: ValueList, size: int, kind: FirstRow) -> pa.Array:
    """The first value of the row that `kind` chooses; the second one, where there is one, is what it chooses by."""
    by = rows.values[1] if kind.by is not None else None
    return _chosen(rows.values[0], kind.choose(rows.ids, size, np.arange(len(rows.ids)), by))


def modes(rows: ValueList, size: int, call: AggregateCall) -> pa.Array:
    """MODE: of equally frequent values the first one."""
    at = np.full(size, -1)
    if len(rows.ids):
        same, first = group_rows([int64_array(rows.ids), normalize_key(rows.values[0])])
        counts = np.bincount(same)
        # Ascending counts, later before earlier: of several writes to one place the last stays.
        order = lexical_order([counts, -first])
        at[rows.ids[first[order]]] = first[order]
    return _chosen(rows.values[0], at)


def bits(rows: ValueList, size: int, call: AggregateCall) -> pa.Array:
    """BIT_AND, BIT_OR, BIT_XOR: NULL where a group has no values."""
    values, ids = values_of(rows.values[0]), rows.ids
    found = np.zeros(size, values.dtype)
    if call.function == "BIT_AND":
        found.fill(-1)
        np.bitwise_and.at(found, ids, values)
    elif call.function == "BIT_OR":
        np.bitwise_or.at(found, ids, values)
    else:
        odd = rows.weights() % 2 == 1
        np.bitwise_xor.at(found, ids[odd], values[odd])
    return array_of(found, np.bincount(ids, minlength=size) > 0, arrow_type(call.type))


def approximate_counts(rows: ValueList, size: int, call: AggregateCall) -> pa.Array:
    """APPROX_COUNT_DISTINCT of HyperLogLog codes, which are in order: the last one of a bucket has its highest rank.

    (Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog", 2007; few values by counting the buckets in use.)
    """
    buckets, ranks = np.divmod(values_of(rows.values[0]).astype(np.int64), RANKS)
    last = np.ones(len(buckets), np.bool_)
    last[:-1] = (buckets[1:] != buckets[:-1]) | (rows.ids[1:] != rows.ids[:-1])
    ids, used = rows.ids[last], np.bincount(rows.ids[last], minlength=size)
    empty = BUCKETS - used
    total = empty + np.bincount(ids, weights=np.ldexp(1.0, -ranks[last]), minlength=size)
    estimate = BIAS * BUCKETS * BUCKETS / total
    few = BUCKETS * np.log(BUCKETS / np.maximum(empty, 1))
    return int64_array(np.rint(np.where((estimate <= 2.5 * BUCKETS) & (empty > 0), few, estimate)).astype(np.int64))


def _chosen(values: pa.Array, at: Int64Array) -> pa.Array:
    return values.take(int64_array(at, at >= 0))


def _offsets(counts: Int64Array) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())


def _join(texts: pa.Array, counts: Int64Array, separator: str) -> pa.Array:
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]))
    return pc.binary_join(pa.LargeListArray.from_arrays(offsets, texts.cast(pa.string())), separator)


def _enclosed(left: str, texts: pa.Array, right: str) -> pa.Array:
    return pc.binary_join_element_wise(left, texts, right, "")
