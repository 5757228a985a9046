"""BytesColumn: texts and bytes by dense id, left where they were written."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.state.fixed_width import BoolArray, Int64Array
from streamsql.state.stored_column import StoredColumn, grown, with_validity

Views: TypeAlias = npt.NDArray[np.complex128]
"""Arrow's views, 16 bytes each, as the numpy type that is gathered fastest; nobody calculates with them."""

_INLINE = 12
"""Values that are no longer lie in their views."""
_LARGE = 1 << 16
"""From so many bytes on a buffer is worth an entry of its own."""
_FULL = 1 << 23
"""The log of small values is closed when it is so long."""
_SLACK = 1 << 20
_BUFFERS = 512
_AT_ONCE = 1 << 16


class BytesColumn(StoredColumn):
    """A view for each id, which says where in the buffers its value lies.

    Large buffers are kept as they came, if most of them is needed; small ones are copied to a log. When less than half
    of all bytes is in use, or there are very many buffers, the values are copied together.
    """

    def __init__(self, type_: pa.DataType) -> None:
        self._type = type_
        self._view_type = pa.string_view() if pa.types.is_string(type_) else pa.binary_view()
        self._views: Views = np.zeros(0, np.complex128)
        self._valid: BoolArray | None = None
        self._reset()

    def _reset(self) -> None:
        self._buffers: list[pa.Buffer] = []
        self._index: dict[int, int] = {}
        self._log: npt.NDArray[np.uint8] = np.empty(0, np.uint8)
        self._logged = 0
        self._log_at = -1
        self._bytes = 0
        self._tidy_at = _SLACK
        self._most_buffers = _BUFFERS

    def put(self, ids: Int64Array, values: pa.Array) -> None:
        if not len(ids):
            return
        size = int(ids.max()) + 1
        self._views = grown(self._views, size)
        self._views[ids] = self._adopt(values)
        self._valid = with_validity(self._valid, ids, values, len(self._views))
        if self._bytes > self._tidy_at or len(self._buffers) > self._most_buffers:
            self._tidy()

    def take(self, ids: Int64Array) -> pa.Array:
        valid = None if self._valid is None else self._valid.take(ids)
        return self._array(self._views.take(ids), valid)

    def equals(self, ids: Int64Array, values: pa.Array) -> BoolArray:
        mine = self.take(ids)
        same = pc.equal(mine, values)
        if same.null_count:
            same = pc.if_else(same.is_valid(), same, pc.and_(mine.is_null(), values.is_null()))
        return np.asarray(same.to_numpy(zero_copy_only=False))

    def _array(self, views: Views, valid: BoolArray | None) -> pa.Array:
        bitmap = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
        buffers = self._buffers
        if self._log_at >= 0:
            buffers = [*buffers]
            buffers[self._log_at] = pa.py_buffer(self._log)
        array = pa.Array.from_buffers(self._view_type, len(views), [bitmap, pa.py_buffer(views), *buffers])
        return array.cast(self._type)

    def _adopt(self, values: pa.Array) -> Views:
        """The views of new values, whose bytes are kept."""
        words = _words_of(values.cast(self._view_type)).copy()
        views = words.view(np.complex128)[:, 0]
        long = words[:, 0] > _INLINE
        needed = int(words[:, 0][long].sum(dtype=np.int64))
        if not needed:
            return views
        offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
        low, high = int(offsets[0]), int(offsets[-1])
        if 2 * needed < high - low:
            views[long] = self._adopt(values.filter(pa.array(long)))
            return views
        buffer, shift = self._place(values.buffers()[2], low, high)
        words[:, 2][long] = buffer
        if shift:
            words[:, 3][long] += shift
        return views

    def _place(self, data: pa.Buffer, low: int, high: int) -> tuple[int, int]:
        """Keep bytes of a buffer: the number of the buffer in which they are, and by how much they moved."""
        if data.address in self._index:
            return self._index[data.address], 0
        if high - low < _LARGE:
            return self._append(data, low, high)
        if data.size > 2 * (high - low):
            data, shift = pa.py_buffer(np.frombuffer(data, np.uint8)[low:high].copy()), -low
        else:
            shift = 0
        return self._add(data), shift

    def _add(self, data: pa.Buffer) -> int:
        number = self._index[data.address] = len(self._buffers)
        self._buffers.append(data)
        self._bytes += data.size
        return number

    def _append(self, data: pa.Buffer, low: int, high: int) -> tuple[int, int]:
        if self._log_at < 0 or self._logged > _FULL:
            self._close_log()
            self._log_at = len(self._buffers)
            self._buffers.append(pa.py_buffer(b""))
        begin, end = self._logged, self._logged + high - low
        self._log = grown(self._log, end)
        self._log[begin:end] = np.frombuffer(data, np.uint8)[low:high]
        self._logged = end
        self._bytes += high - low
        return self._log_at, begin - low

    def _close_log(self) -> None:
        if self._log_at >= 0:
            self._buffers[self._log_at] = pa.py_buffer(self._log)
        self._log, self._logged = np.empty(0, np.uint8), 0

    def _tidy(self) -> None:
        """Copy what is in use where that frees half of the bytes, or where there are too many buffers."""
        lengths = _words(self._views)[:, 0]
        used = int(lengths[lengths > _INLINE].sum(dtype=np.int64))
        if self._bytes > 2 * used + _SLACK or len(self._buffers) > self._most_buffers:
            self._copy()
        self._tidy_at = 2 * max(self._bytes, used) + _SLACK
        self._most_buffers = 2 * len(self._buffers) + _BUFFERS

    def _copy(self) -> None:
        views = self._views
        parts = [self._array(views[begin : begin + _AT_ONCE], None) for begin in range(0, len(views), _AT_ONCE)]
        self._views = np.zeros(len(views), np.complex128)
        self._reset()
        for begin, part in zip(range(0, len(views), _AT_ONCE), parts, strict=True):
            self._views[begin : begin + len(part)] = self._adopt(part)


def _words(views: Views) -> npt.NDArray[np.int32]:
    """Length, first bytes, buffer and offset of each view, or its length and bytes."""
    return views.view(np.int32).reshape(-1, 4)


def _words_of(array: pa.Array) -> npt.NDArray[np.int32]:
    return np.frombuffer(array.buffers()[1], np.int32).reshape(-1, 4)[array.offset : array.offset + len(array)]
