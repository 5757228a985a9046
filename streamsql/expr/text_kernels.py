"""Text functions over Arrow; positions count characters from 1, as in SQL."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.context import EvalContext
from streamsql.expr.function import ArrowFunction, Datum, is_literal, literal
from streamsql.expr.last_array import LastArray
from streamsql.expr.nodes import Call
from streamsql.expr.text_bytes import is_ascii_character, part, parts_between
from streamsql.expr.vectors import is_true, nulls, numbers, over_arrays, with_nulls

_EMPTY = pa.scalar("")
_NO_TEXT = pa.scalar(None, pa.string())


def _constants(call: Call, *indexes: int) -> bool:
    """Whether those arguments are constant and not NULL: what many Arrow kernels ask for."""
    return all(is_literal(call, each) and literal(call, each) is not None for each in indexes)


def _integer(call: Call, index: int) -> int:
    return int(str(literal(call, index)))


def substring(call: Call, context: EvalContext) -> ArrowFunction | None:
    """SUBSTRING(text, from[, for]): 0 counts as 1, negative ones from the end, before the text begins gives ''."""
    if not _constants(call, *range(1, len(call.args))):
        return None
    start = _integer(call, 1)
    length = _integer(call, 2) if len(call.args) > 2 else None
    if length is not None and length < 0:
        return lambda text, *rest: pc.if_else(pc.is_valid(text), _NO_TEXT, _NO_TEXT)
    if start >= 0:
        first = max(start - 1, 0)
        stop = None if length is None else first + length
        return lambda text, *rest: pc.utf8_slice_codeunits(text, first, stop)
    last = None if length is None or start + length >= 0 else start + length

    def from_end(text: Datum, *rest: Datum) -> Datum:
        enough = pc.greater_equal(pc.utf8_length(text), -start)
        return pc.if_else(enough, pc.utf8_slice_codeunits(text, start, last), _EMPTY)

    return from_end


def left(call: Call, context: EvalContext) -> ArrowFunction | None:
    if not _constants(call, 1):
        return None
    stop = max(_integer(call, 1), 0)
    return lambda text, length: pc.utf8_slice_codeunits(text, 0, stop)


def right(call: Call, context: EvalContext) -> ArrowFunction | None:
    if not _constants(call, 1):
        return None
    start = -max(_integer(call, 1), 0)
    if not start:
        return lambda text, length: pc.utf8_slice_codeunits(text, 0, 0)
    return lambda text, length: pc.utf8_slice_codeunits(text, start, None)


def trim(call: Call, context: EvalContext) -> ArrowFunction | None:
    """TRIM(mode, characters, text)."""
    if not _constants(call, 0, 1):
        return None
    function = {"BOTH": pc.utf8_trim, "LEADING": pc.utf8_ltrim, "TRAILING": pc.utf8_rtrim}[str(literal(call, 0))]
    characters = str(literal(call, 1))
    if not characters:
        return lambda mode, characters_, text: text
    return lambda mode, characters_, text: function(text, characters=characters)


def position(call: Call, context: EvalContext) -> ArrowFunction | None:
    """POSITION(needle, text[, from]): 0 where it does not occur; a place before the first is the first."""
    if not _constants(call, 0, *range(2, len(call.args))):
        return None
    needle = str(literal(call, 0))
    start = max(_integer(call, 2), 1) if len(call.args) > 2 else 1
    if not needle:
        return lambda needle_, text, *rest: pc.if_else(pc.is_valid(text), _ONE, _NO_INT)

    def find(array: pa.Array) -> pa.Array:
        text = array if start == 1 else pc.utf8_slice_codeunits(array, start - 1, None)
        found = pc.match_substring(text, needle)
        before = pc.list_element(pc.split_pattern(text, needle, max_splits=1), 0)
        place = pc.cast(pc.add(pc.utf8_length(before), start), pa.int32())
        return pc.if_else(found, place, _ZERO)

    kernel = over_arrays(find)
    return lambda needle_, text, *rest: kernel(text)


_ZERO, _ONE = pa.scalar(0, pa.int32()), pa.scalar(1, pa.int32())
_NO_INT = pa.scalar(None, pa.int32())


def replace(call: Call, context: EvalContext) -> ArrowFunction | None:
    if not _constants(call, 1, 2) or not literal(call, 1):
        return None
    search, replacement = str(literal(call, 1)), str(literal(call, 2))
    return lambda text, *rest: pc.replace_substring(text, search, replacement)


def pad(on_left: bool, call: Call, context: EvalContext) -> ArrowFunction | None:
    """LPAD and RPAD, which cut what is longer."""
    if not _constants(call, *range(1, len(call.args))):
        return None
    width, filler = _integer(call, 1), str(literal(call, 2, " "))
    if width < 0 or len(filler) != 1:
        return None
    function = pc.utf8_lpad if on_left else pc.utf8_rpad
    return lambda text, *rest: function(pc.utf8_slice_codeunits(text, 0, width), width, filler)


def repeat(text: Datum, times: Datum) -> Datum:
    return pc.binary_repeat(text, pc.if_else(pc.less(times, 0), _ZERO, times))


def concat(*texts: Datum) -> Datum:
    return pc.binary_join_element_wise(*texts, pa.scalar("", texts[0].type))


def concat_ws(call: Call, context: EvalContext) -> ArrowFunction | None:
    """The texts that are not NULL. (Arrow's own join that skips NULLs loses rows in which all are.)"""
    if not _constants(call, 0):
        return None
    separator = str(literal(call, 0))
    before = pa.scalar(separator)

    def join(separator_: Datum, *texts: Datum) -> Datum:
        parts = [pc.fill_null(pc.binary_join_element_wise(before, each, ""), "") for each in texts]
        return pc.utf8_slice_codeunits(pc.binary_join_element_wise(*parts, ""), len(separator), None)

    return join


def starts_or_ends(at_start: bool, call: Call, context: EvalContext) -> ArrowFunction | None:
    pattern = literal(call, 1)
    if not isinstance(pattern, str | bytes):
        return None
    function = pc.starts_with if at_start else pc.ends_with
    return lambda text, pattern_: function(text, pattern)


def consists_of(regex: str, text: Datum) -> Datum:
    return pc.fill_null(pc.match_substring_regex(text, regex), False)


@over_arrays
def ascii_code(array: pa.Array) -> pa.Array:
    """The first byte, signed; 0 for ''."""
    array = pc.cast(array, pa.binary())
    if array.offset:
        array = pa.concat_arrays([array])
    offsets = np.frombuffer(array.buffers()[1], np.int32, count=len(array) + 1) if len(array) else np.zeros(1, np.int32)
    data = np.frombuffer(array.buffers()[2] or b"", np.int8)
    data = data if len(data) else np.zeros(1, np.int8)
    first = data[np.minimum(offsets[:-1], len(data) - 1)].astype(np.int32)
    return with_nulls(np.where(offsets[1:] > offsets[:-1], first, 0).astype(np.int32), pa.int32(), array)


_CHARACTERS = pa.array([chr(code) for code in range(256)])


@over_arrays
def character(array: pa.Array) -> pa.Array:
    """The character of a code, of which the low 8 bits count; '' for negative ones."""
    codes = numbers(array)
    text = _CHARACTERS.take(pa.array(codes & 255, mask=nulls(array)))
    return pc.if_else(pc.less(array, 0), _EMPTY, text)


def split(call: Call, context: EvalContext) -> ArrowFunction | None:
    """SPLIT(text, delimiter) with a constant delimiter; an empty text has no parts."""
    delimiter = literal(call, 1)
    if not delimiter:
        return None

    @over_arrays
    def parts_of(text: pa.Array) -> pa.Array:
        parts, empty = pc.split_pattern(text, str(delimiter)), pc.equal(text, "")
        if not pc.any(empty).as_py():
            return parts
        return pc.if_else(empty, pa.scalar([], parts.type), parts)

    return lambda text, delimiter_: parts_of(text)


def split_index(call: Call, context: EvalContext) -> ArrowFunction | None:
    """SPLIT_INDEX(text, delimiter, index) with a constant delimiter and index: NULL outside, and for ''."""
    separator, index = literal(call, 1), literal(call, 2)
    if not isinstance(separator, str) or not separator or not isinstance(index, int) or index < 0:
        return None
    if is_ascii_character(separator):
        key = "parts", call.args[0], separator
        parts_of = context.shared.setdefault(key, LastArray(parts_between(separator)))
        by_place = over_arrays(lambda text: part(text, parts_of(text), index))
        return lambda text, *rest: by_place(text)

    @over_arrays
    def by_list(text: pa.Array) -> pa.Array:
        parts = pc.split_pattern(text, separator)
        starts = parts.offsets.to_numpy()
        there = (np.diff(starts) > index) & is_true(pc.not_equal(text, ""))
        return parts.values.take(pa.array(starts[:-1] + index, mask=~there))

    return lambda text, *rest: by_list(text)


@over_arrays
def initcap(array: pa.Array) -> pa.Array:
    """Words of ASCII letters and digits begin with a capital, the rest of them is small."""
    array = pc.ascii_lower(array)
    for pattern, replacement in INITCAP_STEPS:
        array = pc.replace_substring_regex(array, pattern, replacement)
    return array


INITCAP_STEPS = tuple((rf"(^|[^0-9a-zA-Z]){each}", rf"\1{each.upper()}") for each in "abcdefghijklmnopqrstuvwxyz")
"""Regular expressions and replacements that capitalise words one letter at a time."""
