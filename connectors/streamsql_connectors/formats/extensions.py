"""Arrow's extension types as plain columns: UUIDs as text, one-byte booleans; of all others what they are stored as."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.types import STRINGS, Kind, SqlType

_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_HYPHENS = (8, 13, 18, 23)
_UUID_TEXT = 36


def decoded(values: pa.ExtensionArray, type_: SqlType) -> pa.Array:
    """The values as a plain array that can become `type_`."""
    decode = DECODED.get(values.type.extension_name)
    return values.storage if decode is None else decode(values.storage, type_)


def _uuid(values: pa.Array, type_: SqlType) -> pa.Array:
    """
    >>> uuids = pa.array([b"0123456789abcdef", None], pa.binary(16))
    >>> _uuid(uuids, SqlType(Kind.VARCHAR)).to_pylist()
    ['30313233-3435-3637-3839-616263646566', None]
    """
    if type_.kind not in STRINGS:
        return values
    filled = pc.fill_null(values, b"\0" * 16).cast(pa.binary())
    data = np.frombuffer(filled.buffers()[2], np.uint8)[16 * filled.offset :][: 16 * len(values)].reshape(-1, 16)
    text = np.full((len(values), _UUID_TEXT), ord("-"), np.uint8)
    places = np.delete(np.arange(_UUID_TEXT), _HYPHENS)
    text[:, places[0::2]] = _DIGITS[data >> 4]
    text[:, places[1::2]] = _DIGITS[data & 15]
    offsets = np.arange(len(values) + 1, dtype=np.int32) * _UUID_TEXT
    written = pa.Array.from_buffers(pa.string(), len(values), [None, pa.py_buffer(offsets), pa.py_buffer(text)])
    return pc.if_else(pc.is_valid(values), written, pa.scalar(None, pa.string()))


def _bool8(values: pa.Array, type_: SqlType) -> pa.Array:
    return pc.not_equal(values, 0) if type_.kind is Kind.BOOLEAN else values


DECODED: dict[str, Callable[[pa.Array, SqlType], pa.Array]] = {"arrow.uuid": _uuid, "arrow.bool8": _bool8}
"""Those that mean something else than what they are stored as."""
