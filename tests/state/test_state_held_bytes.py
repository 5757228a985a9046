"""What state keeps alive, in bytes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.state.held_bytes import held_bytes


def test_a_buffer_counts_once_and_whole() -> None:
    values = np.zeros(1_000, np.int64)
    assert held_bytes([values]) == 8_000
    assert held_bytes([values, values[500:], values[:3]]) == 8_000
    rows = pa.record_batch({"a": pa.array(np.arange(8, dtype=np.int64))})
    assert held_bytes([rows, rows.slice(4), pa.Table.from_batches([rows])]) == 64


def test_texts_and_dictionaries() -> None:
    texts = pa.array(["ab", "c"])
    held = sum(each.size for each in texts.buffers() if each is not None)
    assert held_bytes([texts]) == held >= 3 * 4 + 3
    assert held_bytes([[each for each in texts.buffers() if each is not None]]) > held
    assert held_bytes([pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), texts)]) == held + 8


def test_objects_of_the_engine_are_looked_into_and_others_are_not() -> None:
    from streamsql.state.key_counts import KeyCounts

    class Foreign:
        values = np.zeros(1_000)

    assert held_bytes([Foreign()]) == 0
    assert held_bytes([KeyCounts.__new__(KeyCounts)]) == 0
