"""AppendedBytes: texts and bytes one behind the other, left where they came from; only their ends are noted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array
from streamsql.state.ordering import stable_order
from streamsql.state.stored_column import grown, with_validity

Int32Array = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]

_INLINE = 12
"""Values that are no longer lie in Arrow's views."""
_VIEW = np.dtype({"names": ["length", "inline"], "formats": ["i4", f"V{_INLINE}"], "offsets": [0, 4], "itemsize": 16})
_LONG = 64
"""Values that are longer on average Arrow copies faster by their views."""
_LARGE = 1 << 16
"""From so many bytes on a buffer is worth an entry of its own …"""
_SHARE = 1 << 11
"""… if it has at least this part of all bytes: else there would be very many."""
_FULL = 1 << 23
"""Room for small values is made for so many bytes at most."""


class AppendedBytes:
    """Values that are appended in order, four bytes each besides their own.

    Large buffers are kept as they came, also where values take a part of one: the next ones are often more of it. Where
    that was not so, what is needed is copied once another buffer comes. Small ones are copied behind one another.
    """

    def __init__(self, type_: pa.DataType) -> None:
        self._type = type_
        self._view_type = pa.string_view() if pa.types.is_string(type_) else pa.binary_view()
        self._valid: BoolArray | None = None
        self._buffers: list[pa.Buffer] = []
        self._firsts = np.zeros(0, np.int64)  # the first row of each buffer
        # A row ends where the next one begins, so each buffer has one edge more than rows: the begin of row i of buffer
        # b is at i + b.
        self._edges: Int32Array = np.zeros(0, np.int32)
        self._size = 0
        self._begin, self._end = 0, 0  # of what is needed of the last buffer
        self._log: Bytes | None = None  # the last buffer, if small values are copied to it
        self._bytes = 0
        self._sparse = False  # little was needed of a large buffer: others may be like that

    def append(self, first: int, values: pa.Array) -> None:
        """Set the values of the rows from `first` on, which is behind all others."""
        count = len(values)
        if not count:
            return
        _, offsets, data = values.buffers()
        edges = np.frombuffer(offsets, np.int32, count + 1, values.offset * 4)
        shift = self._keep(pa.py_buffer(b"") if data is None else data, int(edges[0]), int(edges[-1]))
        self._size = first + count
        last = len(self._buffers) - 1
        self._edges = grown(self._edges, self._size + last + 1)
        np.add(edges, np.int32(shift), out=self._edges[first + last : self._size + last + 1])
        self._end = int(edges[-1]) + shift
        self._valid = with_validity(self._valid, slice(first, self._size), values, self._size)

    def take(self, rows: Int64Array) -> pa.Array:
        """The values of rows, which may repeat."""
        if not len(rows):
            return pa.array([], self._type)
        last = len(self._buffers) - 1
        first = int(self._firsts[last])
        if int(rows.min()) < first:
            owners = np.searchsorted(self._firsts[: last + 1], rows, "right") - 1
            found = self._gathered(rows + owners, owners, self._buffers)
        elif self._end - self._begin > _LONG * (self._size - first):
            found = self._gathered(rows + last, None, self._buffers[last:])
        else:
            edges = pa.py_buffer(self._edges[first + last : self._size + last + 1])
            values = pa.Array.from_buffers(self._type, self._size - first, [None, edges, self._buffers[last]])
            found = values.take(int64_array(rows - first))
        if self._valid is None:
            return found
        valid = pa.py_buffer(np.packbits(self._valid[rows], bitorder="little"))
        return pa.Array.from_buffers(self._type, len(rows), [valid, *found.buffers()[1:]])

    def _gathered(self, begins: Int64Array, owners: Int64Array | None, buffers: list[pa.Buffer]) -> pa.Array:
        """The values whose begins are noted at these places, all in the first buffer or each in that of its owner."""
        words = _views(self._edges[begins], self._edges[begins + 1], owners, buffers)
        views = pa.Array.from_buffers(self._view_type, len(words), [None, pa.py_buffer(words), *buffers])
        return views.cast(self._type)

    def _keep(self, data: pa.Buffer, low: int, high: int) -> int:
        """Have bytes of a buffer behind those that are there, as the last buffer's; by how much they moved."""
        if self._log is None and self._buffers and data.address == self._buffers[-1].address and low == self._end:
            self._bytes += high - low
            return 0
        self._close()
        if (high - low if self._sparse else data.size) < max(_LARGE, self._bytes // _SHARE):
            return self._copied(data, low, high) - low
        self._open(data, low)
        self._bytes += high - low
        return 0

    def _copied(self, data: pa.Buffer, low: int, high: int) -> int:
        """Copy bytes to the log; where they begin in it."""
        count = high - low
        if self._log is None or self._end + count > _FULL:
            self._open(pa.py_buffer(b""), 0)
            self._log = np.zeros(0, np.uint8)
        if self._end + count > len(self._log):
            self._log = grown(self._log, self._end + count)
            self._buffers[-1] = pa.py_buffer(self._log)
        begin = self._end
        self._log[begin : begin + count] = np.frombuffer(data, np.uint8, count, low) if count else 0
        self._bytes += count
        return begin

    def _open(self, data: pa.Buffer, begin: int) -> None:
        """The next rows lie in another buffer, from `begin` on."""
        number = len(self._buffers)
        self._buffers.append(data)
        self._firsts = grown(self._firsts, number + 1)
        self._firsts[number] = self._size
        self._begin = self._end = begin
        self._log = None

    def _close(self) -> None:
        """Nothing more comes to the last buffer as it is: copy what is needed of it if that is little."""
        needed, last = self._end - self._begin, len(self._buffers) - 1
        if last < 0 or self._log is not None or 2 * needed >= self._buffers[last].size:
            return
        self._sparse = True
        self._log = np.frombuffer(self._buffers[last], np.uint8, needed, self._begin).copy()
        self._buffers[last] = pa.py_buffer(self._log)
        self._edges[int(self._firsts[last]) + last : self._size + last + 1] -= np.int32(self._begin)
        self._begin, self._end = 0, needed


def _views(begins: Int32Array, ends: Int32Array, owners: Int64Array | None, buffers: list[pa.Buffer]) -> Int32Array:
    """Arrow's views of values in buffers.

    What stands behind a short value in its view is left to chance: whoever copies the value does not look at it.
    """
    words = np.empty((len(begins), 4), np.int32)
    words[:, 0] = ends - begins
    words[:, 2] = 0 if owners is None else owners
    words[:, 3] = begins
    inline = words.view(_VIEW)[:, 0]["inline"]
    short = np.flatnonzero(words[:, 0] <= _INLINE)
    for number, at in _by_owner(short, owners):
        inline[at] = _short_values(buffers[number], begins[at])
    return words


def _by_owner(places: Int64Array, owners: Int64Array | None) -> Iterator[tuple[int, Int64Array]]:
    """Each owner of places, and which are its."""
    if owners is None or not len(places):
        yield 0, places
        return
    mine = owners[places]
    order = stable_order([mine])
    if order is not None:
        places, mine = places[order], mine[order]
    for part in np.split(places, np.flatnonzero(np.diff(mine)) + 1):
        yield int(owners[part[0]]), part


def _short_values(buffer: pa.Buffer, begins: Int32Array) -> npt.NDArray[np.void]:
    """What stands from each place on, as much as a view has room for."""
    data = np.frombuffer(buffer, np.uint8)
    inside = begins + _INLINE <= len(data)
    if inside.all():
        return _windows(data)[begins]
    last = max(0, len(data) - _INLINE)
    behind = np.concatenate([data[last:], np.zeros(_INLINE, np.uint8)])
    found = np.empty(len(begins), _VIEW["inline"])
    found[inside] = _windows(data)[begins[inside]]
    found[~inside] = _windows(behind)[begins[~inside] - last]
    return found


def _windows(data: Bytes) -> npt.NDArray[np.void]:
    """From each place as many bytes as a view has room for."""
    return np.ndarray(max(0, len(data) - _INLINE + 1), _VIEW["inline"], data, strides=1)
