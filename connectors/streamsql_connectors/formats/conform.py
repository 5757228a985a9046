"""Arrow columns of a file to the declared types: wider numbers, other time units, other string layouts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.errors import DataError
from streamsql.expr.types import BYTES_KINDS, FLOATS, INTEGERS, STRINGS, Kind, SqlType, arrow_type, from_arrow
from streamsql_connectors.formats.extensions import DECODED, decoded


def conform(values: pa.Array, type_: SqlType, name: str, file: str) -> pa.Array:
    """The values in the layout of `type_`. DataError naming file, column and both types where the types do not fit,
    or where a value does not."""
    target = arrow_type(type_)
    if values.type == target:
        return values
    check(values.type, type_, name, file)
    try:
        return _convert(values, type_)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{file}: column {name}: a {values.type} value does not fit {type_}: {error}") from error


def check(found: pa.DataType, declared: SqlType, name: str, file: str) -> None:
    """DataError where no value of the file's type is meant to be read as the declared type."""
    if not fits(found, declared):
        raise DataError(
            f"{file}: column {name} is {found} in the file, but declared {declared}",
            hint=f"declare {name} with the type of the file",
        )


def fits(found: pa.DataType, declared: SqlType) -> bool:
    """Whether values of an Arrow type may be read as a SQL type.

    >>> from streamsql.expr.types import BIGINT, DOUBLE, INT
    >>> fits(pa.int32(), BIGINT), fits(pa.float64(), INT), fits(pa.int64(), DOUBLE)
    (True, False, True)
    """
    types, kind = pa.types, declared.kind
    if isinstance(found, pa.BaseExtensionType):
        return _fits_extension(found, declared)
    if types.is_dictionary(found) or types.is_run_end_encoded(found):
        return fits(found.value_type, declared)
    if types.is_null(found) or found == arrow_type(declared):
        return True
    if kind in INTEGERS:
        return bool(types.is_integer(found))
    if kind in FLOATS:
        narrow = types.is_float32(found) or types.is_float16(found)
        return bool(types.is_integer(found) or narrow or (kind is Kind.DOUBLE and types.is_floating(found)))
    if kind is Kind.DECIMAL:
        return bool(types.is_decimal(found) or types.is_integer(found))
    if kind in STRINGS or kind in BYTES_KINDS:
        return _is_text(found) or _is_binary(found)
    return _fits_time(found, kind) or _fits_nested(found, declared)


def _fits_extension(found: pa.DataType, declared: SqlType) -> bool:
    as_its_own = from_arrow(found).kind is declared.kind if found.extension_name in DECODED else False
    return as_its_own or fits(found.storage_type, declared)


def _is_text(found: pa.DataType) -> bool:
    return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found))


def _is_binary(found: pa.DataType) -> bool:
    types = pa.types
    plain = types.is_binary(found) or types.is_large_binary(found) or types.is_binary_view(found)
    return bool(plain or types.is_fixed_size_binary(found))


def _fits_time(found: pa.DataType, kind: Kind) -> bool:
    types = pa.types
    match kind:
        case Kind.DATE:
            return bool(types.is_date(found))
        case Kind.TIME:
            return bool(types.is_time(found))
        case Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ:
            return bool(types.is_timestamp(found))
        case Kind.INTERVAL_DAY:
            return bool(types.is_duration(found))
        case Kind.INTERVAL_MONTH:
            return bool(types.is_int32(found))
        case _:
            return False


def _fits_nested(found: pa.DataType, declared: SqlType) -> bool:
    types = pa.types
    match declared.kind:
        case Kind.ARRAY:
            return _is_list(found) and fits(found.value_type, declared.children[0])
        case Kind.MAP:
            key, value = declared.children
            return bool(types.is_map(found)) and fits(found.key_type, key) and fits(found.item_type, value)
        case Kind.ROW:
            if not types.is_struct(found):
                return False
            indices = [found.get_field_index(name) for name in declared.names]
            pairs = zip(indices, declared.children, strict=True)
            return all(index < 0 or fits(found.field(index).type, child) for index, child in pairs)
        case _:
            return False


def _is_list(found: pa.DataType) -> bool:
    types = pa.types
    views = types.is_list_view(found) or types.is_large_list_view(found)
    return bool(types.is_list(found) or types.is_large_list(found) or types.is_fixed_size_list(found) or views)


def _convert(values: pa.Array, type_: SqlType) -> pa.Array:
    target = arrow_type(type_)
    if values.type == target:
        return values
    if isinstance(values, pa.ExtensionArray):
        return _convert(decoded(values, type_), type_)
    if pa.types.is_dictionary(values.type):
        return _convert(values.dictionary_decode(), type_)
    if pa.types.is_run_end_encoded(values.type):
        return _convert(pc.run_end_decode(values), type_)
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), target)
    match type_.kind:
        case Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ:
            return _timestamps(values, target)
        case Kind.TIME | Kind.INTERVAL_DAY:
            return pc.cast(values, target, safe=False)
        case Kind.ARRAY:
            return _lists(values, type_)
        case Kind.MAP:
            return _maps(values, type_)
        case Kind.ROW:
            return _rows(values, type_)
        case _:
            return pc.cast(values, target)


def _timestamps(values: pa.Array, target: pa.DataType) -> pa.Array:
    """To microseconds, rounding down also before 1970; what has no zone counts as UTC."""
    if values.type.unit == "ns":
        values = pc.floor_temporal(values, unit="microsecond")
    zoned = pc.cast(values, pa.timestamp("us", values.type.tz), safe=values.type.unit != "ns")
    return zoned.view(pa.int64()).view(target)


def _lists(values: pa.Array, type_: SqlType) -> pa.Array:
    element = type_.children[0]
    if pa.types.is_list_view(values.type) or pa.types.is_large_list_view(values.type):
        values = _viewed(values)
    elif not pa.types.is_list(values.type):
        values = pc.cast(values, pa.list_(values.type.value_type))
    values = compact(values)
    rebuilt = pa.ListArray.from_arrays(values.offsets, _convert(values.values, element), mask=_missing(values))
    return rebuilt.cast(arrow_type(type_))


def _viewed(values: pa.Array) -> pa.ListArray:
    """A list view as a list: its elements one behind the other."""
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy()
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)])
    return pa.ListArray.from_arrays(pa.array(offsets), values.flatten(), mask=_missing(values))


def _maps(values: pa.Array, type_: SqlType) -> pa.Array:
    key, value = type_.children
    values = compact(values)
    keys, items = _convert(values.keys, key), _convert(values.items, value)
    return pa.MapArray.from_arrays(values.offsets, keys, items, mask=_missing(values)).cast(arrow_type(type_))


def _missing(values: pa.Array) -> pa.Array | None:
    return pc.is_null(values) if values.null_count else None


def compact(values: pa.Array) -> pa.Array:
    """A nested column without the elements that a slice of it leaves out."""
    whole = values.offset == 0 and (not len(values) or values.offsets[-1].as_py() == len(values.values))
    return values if whole else values.take(pa.array(np.arange(len(values))))


def _rows(values: pa.Array, type_: SqlType) -> pa.Array:
    children = dict(zip(values.type.names, values.flatten(), strict=True))
    target = arrow_type(type_)
    arrays = []
    for name, child in zip(type_.names, type_.children, strict=True):
        found = children.get(name)
        arrays.append(pa.nulls(len(values), arrow_type(child)) if found is None else _convert(found, child))
    return pa.StructArray.from_arrays(arrays, fields=list(target), mask=pc.is_null(values))
