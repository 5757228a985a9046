"""Nested values (ARRAY, MAP, ROW) as canonical binary, so that equal values have equal bytes, and back."""

from __future__ import annotations

import pyarrow as pa


def encode_nested(array: pa.Array) -> pa.Array:
    raise NotImplementedError


def decode_nested(array: pa.Array, type_: pa.DataType) -> pa.Array:
    raise NotImplementedError
