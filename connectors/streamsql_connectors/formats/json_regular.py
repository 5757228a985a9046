"""Blocks of JSON lines that one program wrote: the same keys in the same order, and only scalar values.

Such lines are comma-separated values in which each value stands between two constant texts. Arrow's CSV reader takes
them apart several times faster than any JSON parser. Nothing is taken on trust: each constant is compared in every
line, each value has to be a JSON number, word, or string without escapes, and where strings stay text the quotes are
counted. What does not fit is left to the readers that follow (`json_plain`, `json_decode`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.types import FLOATS, INTEGERS, STRINGS, Column, Kind, SqlType, arrow_type
from streamsql.record import record
from streamsql_connectors.formats.json_plain import PlainRows
from streamsql_connectors.formats.text_values import parse_text
from streamsql_connectors.text_blocks import NEWLINE, Bytes

_LONGEST_LINE = 1 << 16
_LARGEST_BLOCK = 1 << 30
_CACHED = 1 << 18
_QUOTE, _BACKSLASH, _SPACE = (ord(each) for each in '"\\ ')
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_WORD = "true|false"
_MEMBER = re.compile(r'(?P<before> *\{? *"(?P<key>[^"\\]*)" *: *)(?:"[^"\\]*"|[^ "{}\[\]]+)(?P<after> *\}? *)')
_SPELLED = {
    **dict.fromkeys((*FLOATS, Kind.DECIMAL), f"^(?:{_NUMBER})$"),
    **dict.fromkeys(STRINGS, f"^(?:{_NUMBER}|{_WORD})$"),
    Kind.BOOLEAN: f"^(?:{_WORD})$",
}
"""How values of these types may be written without quotes."""


@record
class _Member:
    """A key, and the texts before and after its value in each line."""

    key: str
    before: bytes
    after: bytes


def regular_rows(data: pa.Buffer, columns: Sequence[Column]) -> PlainRows | None:
    """The columns of lines that are all built like the first; None where one is not, or where a value is not written as
    its column's type wants it.

    >>> from streamsql.expr.types import INT, STRING
    >>> columns = [Column("a", INT), Column("b", STRING)]
    >>> rows = regular_rows(pa.py_buffer(b'{"a":1,"b":"x"}\\n{"a":null,"b":"y"}\\n'), columns)
    >>> rows.columns["a"].to_pylist(), rows.columns["b"].to_pylist()
    ([1, None], ['x', 'y'])
    >>> regular_rows(pa.py_buffer(b'{"a":1,"b":"x"}\\n{"b":"y","a":2}\\n'), columns)
    """
    members = None if any(each.type.children for each in columns) else _members(data)
    if members is None:
        return None
    newlines = _count(data, NEWLINE)
    if newlines != _count_controls(data):
        return None
    try:
        table = _split(data, members)
    except pa.ArrowInvalid:
        return None
    types = {each.name: each.type for each in columns}
    found: dict[str, pa.Array] = {}
    quotes, some_text = 2 * table.num_rows * len(members), False
    for position, member in enumerate(members):
        values = _values(_whole(table.column(position)), member, types.get(member.key))
        if values is None:
            return None
        quotes += values.quotes
        some_text = some_text or (values.quotes > 0 and pa.types.is_string(values.array.type))
        found[member.key] = values.array
    if some_text and (_count(data, _QUOTE) != quotes or _count(data, _BACKSLASH)):
        return None
    for each in columns:
        if each.name not in found:
            found[each.name] = pa.nulls(table.num_rows, arrow_type(each.type))
    open_line = memoryview(data)[-1] != NEWLINE
    return PlainRows(found, table.num_rows, newlines + open_line)


def _members(data: pa.Buffer) -> list[_Member] | None:
    """How the first line is built, if it is an object of scalar values."""
    head = bytes(memoryview(data)[:_LONGEST_LINE])
    line, newline, _ = head.partition(b"\n")
    if not (newline and line.startswith(b"{")) or data.size > _LARGEST_BLOCK:
        return None
    pieces = line.decode("utf-8", "replace").split(",")
    found = [_MEMBER.fullmatch(each) for each in pieces]
    members = [_Member(each["key"], each["before"].encode(), each["after"].encode()) for each in found if each]
    keys = {each.key for each in members}
    braces = [b"{" in each.before for each in members], [b"}" in each.after for each in members]
    regular = ([True] + [False] * (len(pieces) - 1), [False] * (len(pieces) - 1) + [True])
    return members if len(keys) == len(pieces) and braces == regular else None


def _count(data: pa.Buffer, character: int) -> int:
    """How often a character occurs."""
    return sum(int(np.count_nonzero(piece == character)) for piece in _pieces(data))


def _count_controls(data: pa.Buffer) -> int:
    """How many control characters there are."""
    return sum(int(np.count_nonzero(piece < _SPACE)) for piece in _pieces(data))


def _pieces(data: pa.Buffer) -> Iterator[Bytes]:
    """The bytes in pieces that stay in the processor's cache."""
    values: Bytes = np.frombuffer(data, np.uint8)
    return (values[first : first + _CACHED] for first in range(0, len(values), _CACHED))


def _split(data: pa.Buffer, members: Sequence[_Member]) -> pa.Table:
    """One column of binary pieces a member; ArrowInvalid where a line has more or fewer commas. Empty lines are left
    out."""
    import pyarrow.csv as arrow_csv

    names = [str(each) for each in range(len(members))]
    return arrow_csv.read_csv(
        pa.BufferReader(data),
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=data.size + 1, column_names=names),
        parse_options=arrow_csv.ParseOptions(quote_char=False),
        convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.binary())),
    )


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array; it is one already, and then not copied, where the block is."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


@record(eq=False)
class _Values:
    """The values of a member, and the quotation marks around them."""

    array: pa.Array
    quotes: int


def _values(pieces: pa.Array, member: _Member, type_: SqlType | None) -> _Values | None:
    """Values of the type (None: of any) out of the pieces of a member."""
    found = _filled_values(pieces, member, type_)
    if found is not None:
        return found
    null = pc.equal(pieces, member.before + b"null" + member.after)
    return _filled_values(pc.if_else(null, None, pieces), member, type_) if pc.any(null).as_py() else None


def _filled_values(pieces: pa.Array, member: _Member, type_: SqlType | None) -> _Values | None:
    first = pieces[0].as_py() if len(pieces) else None
    if first is None or first.startswith(member.before + b'"'):
        texts = _between(pieces, member.before + b'"', b'"' + member.after)
        if texts is not None:
            array = texts if type_ is None else _from_quoted(texts, type_)
            return None if array is None else _Values(array, 2 * (len(pieces) - pieces.null_count))
    texts = _between(pieces, member.before, member.after)
    array = None if texts is None else _from_bare(texts, type_)
    return None if array is None else _Values(array, 0)


def _between(pieces: pa.Array, before: bytes, after: bytes) -> pa.Array | None:
    """What lies between two texts, None if one of the pieces does not begin and end with them."""
    shortest = pc.min(pc.binary_length(pieces)).as_py()
    if shortest is not None and shortest < len(before) + len(after):
        return None
    if not _all(pc.starts_with(pieces, before)):
        return None
    if after and not _all(pc.ends_with(pieces, after)):
        return None
    end = -len(after) if after else _LARGEST_BLOCK  # without an end, binary_slice overflows
    return pc.binary_slice(pieces, len(before), end).view(pa.string())


def _from_quoted(texts: pa.Array, type_: SqlType) -> pa.Array | None:
    parsed = parse_text(texts, type_)
    return parsed.values if parsed.bad is None else None


def _from_bare(texts: pa.Array, type_: SqlType | None) -> pa.Array | None:
    kind = Kind.VARCHAR if type_ is None else type_.kind
    if kind not in INTEGERS:
        pattern = _SPELLED.get(kind)
        if pattern is None or not _all(pc.match_substring_regex(texts, pattern)):
            return None
    if type_ is None:
        return texts
    try:
        values = pc.cast(texts, arrow_type(type_))
    except pa.ArrowInvalid:
        return None
    return None if kind in INTEGERS and _leading_zeros(texts, values) else values


def _leading_zeros(texts: pa.Array, values: pa.Array) -> bool:
    """Whether one begins with 0 or -0 but 0 itself: all else that Arrow takes for an integer is one in JSON too."""
    zeros = pc.sum(pc.starts_with(texts, "0")).as_py()
    if zeros and zeros != pc.sum(pc.equal(texts, "0")).as_py():
        return True
    # What begins with -0 is no more than 0.
    smallest = pc.min(values).as_py()
    return smallest is not None and smallest <= 0 and bool(pc.any(pc.starts_with(texts, "-0")).as_py())


def _all(mask: pa.Array) -> bool:
    return pc.all(mask).as_py() is not False
