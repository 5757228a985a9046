"""JSON text to typed columns: objects to columns and ROWs, arrays to ARRAYs, objects to MAPs, level by level."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.types import INT, Kind, SqlType, arrow_type
from streamsql.record import record
from streamsql_connectors import duck
from streamsql_connectors.formats.json_numbers import mark_numbers
from streamsql_connectors.formats.json_strict import malformed
from streamsql_connectors.formats.text_values import Mask, Parsed, parse_text


@record(eq=False)
class Members:
    """Texts of some members of JSON objects, in the order asked for; NULL where absent or null.

    `malformed`: rows that are no JSON objects in which each member occurs once, None if all are.
    """

    texts: list[pa.Array]
    malformed: Mask | None


def members(objects: pa.Array, names: Sequence[str]) -> Members:
    """The named members of a column of JSON objects (NULL rows have none), as text: strings without quotes and escapes,
    numbers as written, nested values as JSON."""
    bad = malformed(objects, names)
    if bad is not None:
        objects = pc.if_else(pa.array(bad), pa.scalar(None, objects.type), objects)
    return Members(_transform(objects, names), bad)


def _transform(objects: pa.Array, names: Sequence[str]) -> list[pa.Array]:
    found: dict[str, pa.Array] = {}
    marked = mark_numbers(objects)
    for group in _apart_in_lower_case(names):
        structure = json.dumps(dict.fromkeys(group, "VARCHAR"), ensure_ascii=False)
        fields = [f"struct_extract(s, {duck.literal(name)})" for name in group]
        row = f"json_transform(t, {duck.literal(structure)}) AS s"
        texts = map(marked.written, duck.project_twice({"t": marked.texts}, row, fields))
        found.update(zip(group, texts, strict=True))
    return [found[name] for name in names]


def _apart_in_lower_case(names: Sequence[str]) -> list[list[str]]:
    """Groups of names: DuckDB cannot tell `a` from `A` inside one structure.

    >>> _apart_in_lower_case(["a", "b", "A"])
    [['a', 'b'], ['A']]
    """
    groups: list[dict[str, str]] = []
    for name in dict.fromkeys(names):
        group = next((each for each in groups if name.lower() not in each), None)
        if group is None:
            groups.append(group := {})
        group[name.lower()] = name
    return [list(each.values()) for each in groups]


def parse_json_text(text: pa.Array, type_: SqlType) -> Parsed:
    """Values of any type out of the texts that `members` gives."""
    match type_.kind:
        case Kind.ROW:
            return _parse_row(text, type_)
        case Kind.ARRAY:
            return _parse_array(text, type_)
        case Kind.MAP | Kind.MULTISET:
            return _parse_map(text, type_)
        case _:
            return parse_text(text, type_)


def _either(first: Mask | None, second: Mask | None) -> Mask | None:
    if first is None or second is None:
        return second if first is None else first
    return first | second


def _beginning_with(text: pa.Array, bracket: str) -> tuple[pa.Array, Mask | None]:
    """The texts that begin with a bracket, others replaced by NULL; where those others are."""
    other = pc.fill_null(pc.invert(pc.starts_with(pc.utf8_ltrim_whitespace(text), bracket)), False)
    mask: Mask = other.to_numpy(zero_copy_only=False)
    if not mask.any():
        return text, None
    return pc.if_else(other, pa.scalar(None, text.type), text), mask


def _valid_json(text: pa.Array, bracket: str) -> tuple[pa.Array, Mask | None]:
    text, wrong = _beginning_with(text, bracket)
    bad = malformed(text)
    if bad is not None:
        text = pc.if_else(pa.array(bad), pa.scalar(None, text.type), text)
    return text, _either(wrong, bad)


def fields(text: pa.Array, names: Sequence[str]) -> Members:
    """The members of objects as text; what is no object is malformed."""
    text, other = _beginning_with(text, "{")
    found = members(text, names)
    return Members(found.texts, _either(other, found.malformed))


def elements(text: pa.Array) -> tuple[pa.ListArray, Mask | None]:
    """The elements of JSON arrays as text, NULL where the text is no array; and where that is."""
    text, bad = _valid_json(text, "[")
    marked = mark_numbers(text)
    (lists,) = duck.project({"t": marked.texts}, """json_transform(t, '["VARCHAR"]')""")
    values = marked.written(lists.values)
    return pa.ListArray.from_arrays(lists.offsets, values, mask=pc.is_null(lists)), bad


def entries(text: pa.Array) -> tuple[pa.MapArray, Mask | None]:
    """The members of JSON objects as a MAP of texts, NULL where the text is no object; and where that is."""
    text, bad = _valid_json(text, "{")
    marked = mark_numbers(text)
    (maps,) = duck.project({"t": marked.texts}, """json_transform(t, '"MAP(VARCHAR, VARCHAR)"')""")
    items = marked.written(maps.items)
    return pa.MapArray.from_arrays(maps.offsets, maps.keys, items, mask=pc.is_null(maps)), bad


def _parse_row(text: pa.Array, type_: SqlType) -> Parsed:
    found = fields(text, type_.names)
    bad = found.malformed
    missing = pc.is_null(text) if bad is None else pc.or_(pc.is_null(text), pa.array(bad))
    children = [parse_json_text(each, child) for each, child in zip(found.texts, type_.children, strict=True)]
    for child in children:
        bad = _either(bad, child.bad)
    layout = list(arrow_type(type_))
    return Parsed(pa.StructArray.from_arrays([each.values for each in children], fields=layout, mask=missing), bad)


def _parse_array(text: pa.Array, type_: SqlType) -> Parsed:
    lists, bad = elements(text)
    parsed = parse_json_text(lists.values, type_.children[0])
    bad = _either(bad, _any_of_row(lists.offsets, parsed.bad, len(lists)))
    values = pa.ListArray.from_arrays(lists.offsets, parsed.values, mask=pc.is_null(lists))
    return Parsed(values.cast(arrow_type(type_)), bad)


def _parse_map(text: pa.Array, type_: SqlType) -> Parsed:
    key, value = key_and_value(type_)
    maps, bad = entries(text)
    keys, items = parse_json_text(maps.keys, key), parse_json_text(maps.items, value)
    if keys.values.null_count:
        unusable = _any_of_row(maps.offsets, keys.values.is_null().to_numpy(zero_copy_only=False), len(maps))
        again = _parse_map(pc.if_else(pa.array(unusable), pa.scalar(None, text.type), text), type_)
        return Parsed(again.values, _either(_either(bad, unusable), again.bad))
    bad = _either(bad, _any_of_row(maps.offsets, items.bad, len(maps)))
    values = pa.MapArray.from_arrays(maps.offsets, keys.values, items.values, mask=pc.is_null(maps))
    return Parsed(values.cast(arrow_type(type_)), bad)


def key_and_value(type_: SqlType) -> tuple[SqlType, SqlType]:
    """The types of what a JSON object holds for a MAP or MULTISET."""
    key, value = (*type_.children, INT)[:2]
    return key, value


def _any_of_row(offsets: pa.Array, bad: Mask | None, rows: int) -> Mask | None:
    """The rows with a bad element."""
    if bad is None:
        return None
    mask = np.zeros(rows, np.bool_)
    mask[rows_of(offsets, np.flatnonzero(bad))] = True
    return mask


def rows_of(offsets: pa.Array, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The rows that elements at these positions belong to."""
    return np.searchsorted(offsets.to_numpy(), positions, side="right") - 1


def expected(type_: SqlType) -> str:
    """What a text of this type looks like, for messages."""
    match type_.kind:
        case Kind.TIMESTAMP:
            return f"{type_} such as 2025-06-01 10:00:00.000"
        case Kind.TIMESTAMP_LTZ:
            return f"{type_} such as 2025-06-01 10:00:00.000Z"
        case Kind.DATE:
            return "DATE such as 2025-06-01"
        case Kind.BINARY | Kind.VARBINARY:
            return f"{type_} in base64"
        case _:
            return str(type_)
