"""ARRAY and ROW in one CSV field: `a;b;c`, as Flink writes them, or JSON where that form could not hold the value."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.types import STRINGS, Kind, SqlType, arrow_type
from streamsql_connectors.formats.conform import compact
from streamsql_connectors.formats.json_encode import to_json
from streamsql_connectors.formats.json_values import parse_json_text
from streamsql_connectors.formats.text_render import render_scalar
from streamsql_connectors.formats.text_values import Parsed, parse_text

NESTED = (Kind.ROW, Kind.ARRAY, Kind.MAP, Kind.MULTISET)
_BRACKETS = {Kind.ARRAY: "[", Kind.ROW: "{"}


def _delimited(type_: SqlType) -> bool:
    """Whether values may be written with a delimiter between their elements."""
    return type_.kind in _BRACKETS and not any(each.kind in NESTED for each in type_.children)


def parse_nested(text: pa.Array, type_: SqlType, delimiter: str) -> Parsed:
    """Values of a nested type: JSON where the text begins with its bracket and is JSON, else split at the delimiter."""
    if not _delimited(type_):
        return parse_json_text(text, type_)
    is_json = pc.fill_null(pc.starts_with(pc.utf8_ltrim_whitespace(text), _BRACKETS[type_.kind]), True)
    if pc.all(is_json).as_py():
        parsed = parse_json_text(text, type_)
        if parsed.bad is None:
            return parsed
        is_json = pc.and_(is_json, pa.array(~parsed.bad))
    missing = pa.scalar(None, text.type)
    from_json = parse_json_text(pc.if_else(is_json, text, missing), type_)
    if from_json.bad is not None:
        is_json = pc.and_(is_json, pa.array(~from_json.bad))
    plain = _split(pc.if_else(is_json, missing, text), type_, delimiter)
    return Parsed(pc.if_else(is_json, from_json.values, plain.values), plain.bad)


def _split(text: pa.Array, type_: SqlType, delimiter: str) -> Parsed:
    parts = pc.split_pattern(text, delimiter)
    return _array(parts, type_) if type_.kind is Kind.ARRAY else _row(parts, type_)


def _array(parts: pa.ListArray, type_: SqlType) -> Parsed:
    parts = compact(parts)
    elements = _element(parts.values, type_.children[0])
    bad = None
    if elements.bad is not None:
        rows = pc.list_parent_indices(parts).filter(pa.array(elements.bad))
        bad = pc.is_in(pa.array(range(len(parts)), pa.int64()), rows).to_numpy(zero_copy_only=False)
    values = pa.ListArray.from_arrays(parts.offsets, elements.values, mask=pc.is_null(parts))
    return Parsed(values.cast(arrow_type(type_)), bad)


def _row(parts: pa.ListArray, type_: SqlType) -> Parsed:
    wanted = len(type_.children)
    bad = pc.fill_null(pc.not_equal(pc.list_value_length(parts), wanted), False)
    missing = pc.or_(pc.is_null(parts), bad)
    fitting = compact(pc.if_else(missing, pa.scalar([""] * wanted, parts.type), parts))
    children = []
    for position, child in enumerate(type_.children):
        texts = pc.if_else(missing, pa.scalar(None, pa.string()), pc.list_element(fitting, position))
        parsed = _element(texts, child)
        children.append(parsed.values)
        if parsed.bad is not None:
            bad = pc.or_(bad, pa.array(parsed.bad))
    mask = pc.or_(missing, bad)
    values = pa.StructArray.from_arrays(children, fields=list(arrow_type(type_)), mask=mask)
    return Parsed(values, bad.to_numpy(zero_copy_only=False) if pc.any(bad).as_py() else None)


def _element(text: pa.Array, type_: SqlType) -> Parsed:
    """Elements: an empty one is NULL unless it is a text."""
    if type_.kind not in STRINGS:
        text = pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)
    return parse_text(text, type_)


def render_nested(values: pa.Array, type_: SqlType, delimiter: str) -> pa.Array:
    """The text of nested values, without CSV's quotes; undefined where the value is NULL."""
    as_json = to_json(values, type_)
    if not _delimited(type_):
        return as_json
    joined, elements = _joined(values, type_, delimiter)
    fits = pc.and_(pc.not_equal(joined, ""), pc.equal(pc.count_substring(joined, delimiter), pc.subtract(elements, 1)))
    fits = pc.and_(fits, pc.invert(pc.starts_with(pc.utf8_ltrim_whitespace(joined), _BRACKETS[type_.kind])))
    return pc.if_else(pc.fill_null(fits, False), joined, as_json)


def _joined(values: pa.Array, type_: SqlType, delimiter: str) -> tuple[pa.Array, pa.Array]:
    """Elements with delimiters between them, and how many they are; NULL where a text among them is NULL."""
    if type_.kind is Kind.ROW:
        fields = [_rendered(each, child) for each, child in zip(values.flatten(), type_.children, strict=True)]
        return pc.binary_join_element_wise(*fields, delimiter), pa.array([len(fields)] * len(values), pa.int32())
    values = compact(values)
    texts = _rendered(values.values, type_.children[0])
    lists = pa.ListArray.from_arrays(values.offsets, texts, mask=pc.is_null(values))
    return pc.binary_join(lists, delimiter), pc.list_value_length(values)


def _rendered(values: pa.Array, type_: SqlType) -> pa.Array:
    text = render_scalar(values, type_)
    return text if type_.kind in STRINGS else pc.fill_null(text, "")
