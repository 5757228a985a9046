"""Numbers side by side: what was written comes back, all else is blank."""

from __future__ import annotations

import numpy as np

from streamsql.state.number_rows import NumberRows


def taken(rows: NumberRows, ids: list[int]) -> dict[str, list[int]]:
    return {name: values.tolist() for name, values in rows.take(np.array(ids)).items()}


def test_columns_of_ids() -> None:
    rows = NumberRows({"n": 0, "top": -9})
    rows.reach(3)
    assert taken(rows, [0, 2]) == {"n": [0, 0], "top": [-9, -9]}
    rows.put(np.array([2, 0]), {"n": np.array([5, 6]), "top": np.array([7, 8]), "other": np.array([1, 1])})
    rows.reach(5_000)
    assert taken(rows, [0, 1, 2, 4_999]) == {"n": [6, 0, 5, 0], "top": [8, -9, 7, -9]}
    rows.put(np.array([4_999]), {"n": np.array([1])})
    assert (rows.column("n").sum(), len(rows.column("top"))) == (12, 5_000)
    rows.clear(np.array([0, 4_999]))
    assert taken(rows, [0, 2, 4_999]) == {"n": [0, 5, 0], "top": [-9, 7, -9]}
