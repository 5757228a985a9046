"""Random texts by the chunk: letters, sentences, and padding that makes events as long as they are to be."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql_connectors.datagen_columns import Integers, Random

_LETTERS = bytes(ord("a") + byte % 26 for byte in range(256))
_SPACED = bytes(ord(" ") if byte % 13 == 0 else letter for byte, letter in enumerate(_LETTERS))
"""A letter for each random byte, and one where every thirteenth byte is a space."""
_SHORTEST = 3


def letters(random: Random, lengths: Integers) -> pa.Array:
    """A text of so many letters for each row."""
    return _texts(random, lengths, _LETTERS)


def words(random: Random, rows: int, longest: int) -> pa.Array:
    """Texts of letters and spaces, shorter than `longest` and with no spaces around them."""
    import pyarrow.compute as pc

    return pc.utf8_trim_whitespace(_texts(random, _lengths(random, rows, longest), _SPACED))


def names(random: Random, rows: int, longest: int) -> pa.Array:
    """Texts of letters only, of three of them up to less than `longest`."""
    return letters(random, _lengths(random, rows, longest))


def padding(random: Random, taken: Integers, size: int) -> pa.Array:
    """Letters that, with the bytes already taken, make rows of `size` bytes on average, a fifth more or less."""
    wanted = np.maximum(size - taken, 0)
    spread = np.rint(wanted * 0.2).astype(np.int64)
    return letters(random, wanted - spread + (random.random(len(taken)) * 2 * spread).astype(np.int64))


def lengths_of(texts: pa.Array) -> Integers:
    """Bytes of each text."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return np.diff(offsets).astype(np.int64)


def _lengths(random: Random, rows: int, longest: int) -> Integers:
    return random.integers(_SHORTEST, longest, rows, np.int64)


def _texts(random: Random, lengths: Integers, alphabet: bytes) -> pa.Array:
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    data = random.bytes(int(offsets[-1])).translate(alphabet)
    return pa.Array.from_buffers(pa.string(), len(lengths), [None, pa.py_buffer(offsets), pa.py_buffer(data)])
