"""ARRAY, MAP and ROW: constructors, access, size, membership."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr import types as t
from streamsql.expr.coercion import coerce, common_type
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_text import identifier
from streamsql.expr.function import ArrowFunction, Datum, Function
from streamsql.expr.nodes import Call, Expr, Literal
from streamsql.expr.signatures import Args, Bound, Mismatch, same_type, takes
from streamsql.expr.types import INTEGERS, Kind, SqlType, arrow_type
from streamsql.expr.vectors import broadcast, numbers, over_arrays


def _array_rule(args: Args) -> Bound:
    if not args:
        return Bound((), t.array(t.NULL).with_nullable(False))
    converted = same_type(args, "ARRAY cannot hold")
    element = common_type(each.type for each in converted)
    return Bound(converted, t.array(element or t.NULL).with_nullable(False))


def _map_rule(args: Args) -> Bound:
    if not args or len(args) % 2:
        raise Mismatch("MAP takes pairs: MAP[key, value, …]")
    keys, values = same_type(args[::2], "the keys of a MAP cannot be"), same_type(args[1::2], "a MAP cannot hold")
    key, value = common_type(each.type for each in keys), common_type(each.type for each in values)
    if key is None or key.kind is Kind.NULL:
        raise Mismatch("the keys of a MAP cannot be NULL", span=keys[0].span)
    pairs = list(zip(keys, values, strict=True))
    if _all_constant(keys):
        # Of equal keys the last one counts.
        pairs = list({each.value: (each, value) for each, value in pairs if isinstance(each, Literal)}.values())
    if any(isinstance(each, Literal) and each.value is None for each in keys):
        raise Mismatch("the keys of a MAP cannot be NULL", span=keys[0].span)
    return Bound(tuple(each for pair in pairs for each in pair), t.map_(key, value or t.NULL).with_nullable(False))


def _all_constant(keys: Sequence[Expr]) -> bool:
    return all(isinstance(each, Literal) for each in keys)


def _row_rule(args: Args) -> Bound:
    if not args:
        raise Mismatch("a ROW has at least one field")
    names = tuple(f"EXPR${index}" for index in range(len(args)))
    return Bound(args, t.row(names, tuple(each.type for each in args)).with_nullable(False))


def _interleaved(columns: Sequence[pa.Array], length: int) -> pa.Array:
    """First the values of row 0, then those of row 1."""
    count = len(columns)
    order = np.arange(count * length).reshape(count, length).T.ravel()
    return pa.concat_arrays(columns).take(pa.array(order))


def _columns(args: Sequence[Datum], element: pa.DataType) -> tuple[list[pa.Array], int]:
    length = next((len(each) for each in args if not isinstance(each, pa.Scalar)), 1)
    arrays = [broadcast(each, length) for each in args]
    return [each if each.type == element else pc.cast(each, element) for each in arrays], length


def _make_array(call: Call, context: EvalContext) -> ArrowFunction:
    arrow = arrow_type(call.type)
    if not call.args:
        empty = pa.array([[]], arrow)[0]
        return lambda: empty

    def kernel(*args: pa.Array) -> pa.Array:
        columns, length = _columns(args, arrow.value_type)
        offsets = np.arange(length + 1, dtype=np.int32) * len(columns)
        return pa.ListArray.from_arrays(pa.array(offsets), _interleaved(columns, length), type=arrow)

    return over_arrays(kernel)


def _make_map(call: Call, context: EvalContext) -> ArrowFunction | None:
    if not _all_constant(call.args[::2]):
        return None
    arrow = arrow_type(call.type)

    def kernel(*args: pa.Array) -> pa.Array:
        keys, length = _columns(args[::2], arrow.key_type)
        values, _ = _columns(args[1::2], arrow.item_type)
        offsets = np.arange(length + 1, dtype=np.int32) * len(keys)
        flat = _interleaved(keys, length), _interleaved(values, length)
        return pa.MapArray.from_arrays(pa.array(offsets), *flat, type=arrow)

    return over_arrays(kernel)


def _make_row(call: Call, context: EvalContext) -> ArrowFunction:
    arrow = arrow_type(call.type)
    return over_arrays(lambda *args: pa.StructArray.from_arrays(list(args), fields=list(arrow)))


def _access_rule(args: Args) -> Bound:
    if len(args) != 2:
        raise Mismatch
    container, key = args
    if container.type.kind is Kind.ARRAY and key.type.kind in INTEGERS:
        return Bound((container, coerce(key, t.INT)), container.type.children[0].with_nullable(True))
    if container.type.kind is Kind.MAP:
        wanted = container.type.children[0]
        if common_type((wanted, key.type)) is None:
            raise Mismatch(f"the keys of this MAP are {wanted}, not {key.type}", span=key.span)
        return Bound((container, coerce(key, wanted)), container.type.children[1].with_nullable(True))
    raise Mismatch


def _access(call: Call, context: EvalContext) -> ArrowFunction | None:
    if call.args[0].type.kind is Kind.MAP:
        return None
    return over_arrays(_element_at)


def _element_at(array: pa.ListArray, index: pa.Array) -> pa.Array:
    """The element at a position counted from 1; NULL outside."""
    wanted = numbers(index).astype(np.int64)
    start = numbers(array.offsets)[:-1].astype(np.int64)
    length = numbers(array.offsets)[1:] - start
    inside = (wanted >= 1) & (wanted <= length)
    for each in (array, index):
        if each.null_count:
            inside &= numbers(pc.cast(pc.is_valid(each), pa.int8())).astype(bool)
    return array.values.take(pa.array(np.where(inside, start + wanted - 1, 0), mask=~inside))


def _access_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    container, key = args
    if call.args[0].type.kind is Kind.MAP:
        return f"map_extract({container}, {key})[1]"
    return f"CASE WHEN {key} >= 1 THEN {container}[{key}] END"


def _cardinality(datum: Datum) -> Datum:
    return pc.cast(pc.list_value_length(datum), pa.int32())


def _cardinality_build(call: Call, context: EvalContext) -> ArrowFunction:
    if call.args[0].type.kind is Kind.ARRAY:
        return _cardinality
    return over_arrays(_map_size)


def _map_size(array: pa.MapArray) -> pa.Array:
    offsets = numbers(array.offsets)
    mask = pc.is_null(array).to_numpy(zero_copy_only=False) if array.null_count else None
    return pa.array((offsets[1:] - offsets[:-1]).astype(np.int32), mask=mask)


def _element_rule(args: Args) -> Bound:
    if len(args) != 1 or args[0].type.kind is not Kind.ARRAY:
        raise Mismatch
    return Bound(args, args[0].type.children[0].with_nullable(True))


def _element(array: pa.ListArray) -> pa.Array:
    """The only element of an array; NULL for an empty one."""
    lengths = pc.list_value_length(array)
    if pc.any(pc.greater(lengths, 1)).as_py():
        raise pa.ArrowInvalid("the array has more than one element")
    return _element_at(array, pa.array(np.ones(len(array), np.int32)))


def _contains_rule(args: Args) -> Bound:
    if len(args) != 2 or args[0].type.kind is not Kind.ARRAY:
        raise Mismatch
    element = args[0].type.children[0]
    if common_type((element, args[1].type)) is None:
        raise Mismatch(f"the elements of this ARRAY are {element}, not {args[1].type}", span=args[1].span)
    return Bound((args[0], coerce(args[1], element)), t.BOOLEAN.with_nullable(args[0].type.nullable))


def _keys_type(args: Args) -> SqlType:
    return t.array(args[0].type.children[0])


def _values_type(args: Args) -> SqlType:
    return t.array(args[0].type.children[1])


_ELEMENT_SQL = "{0}[CASE WHEN len({0}) > 1 THEN CAST('the array has more than one element' AS INTEGER) ELSE 1 END]"
_CONTAINS_SQL = "CASE WHEN {1} IS NULL THEN len({0}) > list_count({0}) ELSE list_contains({0}, {1}) END"


def _row_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    fields = (f"{identifier(name)} := {sql}" for name, sql in zip(call.type.names, args, strict=True))
    return f"struct_pack({', '.join(fields)})"


def _may_lack_a_key(call: Call) -> bool:
    return any(each.type.nullable for each in call.args[::2])


def _map_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    if _all_constant(call.args[::2]):
        return f"MAP([{', '.join(args[::2])}], [{', '.join(args[1::2])}])"
    entries = (f"{{'key': {key}, 'value': {value}}}" for key, value in zip(args[::2], args[1::2], strict=True))
    return f"streamsql_map([{', '.join(entries)}])"


ENTRIES: tuple[Function, ...] = (
    Function("ARRAY", "ARRAY[value, …]", _array_rule, _make_array, "[{args}]", "ARRAY"),
    Function("MAP", "MAP[key, value, …]", _map_rule, _make_map, _map_sql, "MAP", _may_lack_a_key),
    Function("ROW", "ROW(value, …)", _row_rule, _make_row, _row_sql, "ROW"),
    Function("[]", "array[int] or map[key]", _access_rule, _access, _access_sql, "[]"),
    Function(
        "CARDINALITY",
        "CARDINALITY(array or map)",
        takes("collection", t.INT),
        _cardinality_build,
        lambda call, args, context: f"{'len' if call.args[0].type.kind is Kind.ARRAY else 'cardinality'}({args[0]})",
        "CARDINALITY",
    ),
    Function(
        "ELEMENT",
        "ELEMENT(array)",
        _element_rule,
        lambda call, context: over_arrays(_element),
        _ELEMENT_SQL,
        "ELEMENT",
        True,
    ),
    Function("MAP_KEYS", "MAP_KEYS(map)", takes("map", _keys_type), None, "map_keys({0})", "MAP_KEYS"),
    Function("MAP_VALUES", "MAP_VALUES(map)", takes("map", _values_type), None, "map_values({0})", "MAP_VALUES"),
    Function("ARRAY_CONTAINS", "ARRAY_CONTAINS(array, value)", _contains_rule, None, _CONTAINS_SQL, "ARRAY_CONTAINS"),
)
