"""Functions that neither Arrow nor DuckDB has: Python computes them, value by value, for both.

Each is an Arrow kernel, registered with every DuckDB connection under its name, so that both give the same.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_to_bytes

import pyarrow as pa

from streamsql.expr.decimals import exactly
from streamsql.expr.vectors import over_arrays
from streamsql.record import record


@record
class PythonKernel:
    """`one` takes a value for each parameter, none of them NULL; a NULL argument gives NULL. Types are DuckDB's."""

    one: Callable[..., Any]
    parameters: tuple[str, ...]
    result: str
    arrow: pa.DataType

    def evaluate(self, *arrays: pa.Array) -> pa.Array:
        """The kernel over Arrow data."""
        columns = zip(*(each.to_pylist() for each in arrays), strict=True)
        values = [None if None in row else self.one(*row) for row in columns]
        return pa.array(values, self.arrow)


CHARSETS = {
    "US-ASCII": "ascii",
    "ISO-8859-1": "latin-1",
    "UTF-8": "utf-8",
    "UTF-16BE": "utf-16-be",
    "UTF-16LE": "utf-16-le",
    "UTF-16": "utf-16",
}
"""Java's character sets that every machine has, and Python's names of them."""


def _encode(text: str, charset: str) -> bytes:
    codec = CHARSETS[charset]
    return codecs.BOM_UTF16_BE + text.encode("utf-16-be") if codec == "utf-16" else text.encode(codec, "replace")


def _decode(data: bytes, charset: str) -> str:
    codec = CHARSETS[charset]
    if codec == "utf-16" and data[:2] not in (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE):
        codec = "utf-16-be"
    return data.decode(codec, "replace")


def _hash(name: str) -> Callable[[str], str]:
    """`hashlib`, which loads OpenSSL, is imported once a text is to be hashed."""

    def digest(text: str) -> str:
        import hashlib

        return hashlib.new(name, text.encode()).hexdigest()

    return digest


def _url_decode(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode(errors="replace")


def _wide_decimal(left: str, right: str, operation: str) -> str | None:
    """`operation`: the sign, the scale of the result and its digits before the point, such as `/ 6 32`."""
    sign, scale, whole_digits = operation.split()
    result = exactly(sign, Decimal(left), Decimal(right), int(scale), int(whole_digits))
    return None if result is None else format(result, "f")


def _of_text(one: Callable[..., Any], *more: str) -> PythonKernel:
    return PythonKernel(one, ("VARCHAR", *more), "VARCHAR", pa.string())


PYTHON_KERNELS: dict[str, PythonKernel] = {
    "streamsql_sha224": _of_text(_hash("sha224")),
    "streamsql_sha384": _of_text(_hash("sha384")),
    "streamsql_sha512": _of_text(_hash("sha512")),
    "streamsql_url_decode": _of_text(_url_decode),
    "streamsql_wide_decimal": _of_text(_wide_decimal, "VARCHAR", "VARCHAR"),
    "streamsql_encode": PythonKernel(_encode, ("VARCHAR", "VARCHAR"), "BLOB", pa.binary()),
    "streamsql_decode": PythonKernel(_decode, ("BLOB", "VARCHAR"), "VARCHAR", pa.string()),
}


def python_kernel(name: str) -> Callable[..., Any]:
    """The kernel for Arrow data, scalars too."""
    return over_arrays(PYTHON_KERNELS[name].evaluate)


def register_kernels(connection: Any) -> None:
    """Make them functions of a DuckDB database."""
    for name, kernel in PYTHON_KERNELS.items():
        connection.create_function(
            name,
            _whole(kernel),
            list(kernel.parameters),
            kernel.result,
            type="arrow",
            null_handling="special",
            side_effects=False,
        )


def _whole(kernel: PythonKernel) -> Callable[..., pa.Array]:
    """DuckDB hands over chunked columns, and wants to know how many there are."""

    def one(first: Any) -> pa.Array:
        return kernel.evaluate(first)

    def two(first: Any, second: Any) -> pa.Array:
        return kernel.evaluate(first, second)

    def three(first: Any, second: Any, third: Any) -> pa.Array:
        return kernel.evaluate(first, second, third)

    of_width: tuple[Callable[..., pa.Array], ...] = (one, two, three)
    return of_width[len(kernel.parameters) - 1]
