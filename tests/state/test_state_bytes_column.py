"""BytesColumn: values stay what they were, whatever buffers they came in, and memory does not pile up."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from streamsql.state import bytes_column
from streamsql.state.bytes_column import BytesColumn


@pytest.fixture(params=["as it is", "small limits"])
def limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small limits make a few values go every way: by reference, into logs that close, copied together."""
    if request.param == "small limits":
        for name, value in (("_LARGE", 60), ("_FULL", 200), ("_SLACK", 400), ("_BUFFERS", 5), ("_AT_ONCE", 7)):
            monkeypatch.setattr(bytes_column, name, value)


def text(random: np.random.Generator) -> str | None:
    kind = int(random.integers(6))
    if kind == 0:
        return None
    return "ß" * int(random.integers(4)) if kind < 3 else f"a text of some length {int(random.integers(1000))}" * kind


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize("type_", [pa.string(), pa.binary()])
def test_random_writes(type_: pa.DataType) -> None:
    random = np.random.default_rng(5)
    column, model = BytesColumn(type_), dict[int, object]()
    for _ in range(150):
        count = int(random.integers(0, 30))
        ids = random.permutation(100)[:count]
        parent = pa.array([text(random) for _ in range(count + 7)]).cast(type_)
        values = parent.slice(int(random.integers(7)), count)
        if random.integers(3) == 0:
            values = values.take(pa.array(np.arange(count)))
        column.put(ids, values)
        model |= dict(zip(ids.tolist(), values.to_pylist(), strict=True))
        asked = random.choice(sorted(model), 20) if model else np.empty(0, np.int64)
        found = column.take(asked)
        assert found.type == type_
        assert found.to_pylist() == [model[each] for each in asked.tolist()]
        other = pa.array([text(random) for _ in range(len(asked))]).cast(type_)
        equal = [mine == its for mine, its in zip(found.to_pylist(), other.to_pylist(), strict=True)]
        assert column.equals(asked, other).tolist() == equal
        assert column.equals(asked, found).all()


def test_large_values_are_not_copied() -> None:
    values = pa.array([f"a text that is long enough {number}" for number in range(10_000)])
    column = BytesColumn(pa.string())
    before = pa.total_allocated_bytes()
    column.put(np.arange(10_000), values)
    assert pa.total_allocated_bytes() - before < 1_000
    assert column.take(np.array([9_999])).to_pylist() == ["a text that is long enough 9999"]


def test_a_few_values_do_not_keep_what_they_came_with() -> None:
    column = BytesColumn(pa.string())
    before = pa.total_allocated_bytes()
    for number in range(20):
        values = pa.array([f"a text that is long enough {each}" for each in range(10_000)])
        column.put(np.array([number]), values.slice(number, 1))
    del values
    assert pa.total_allocated_bytes() - before < 10_000
    assert column.take(np.arange(20)).to_pylist() == [f"a text that is long enough {each}" for each in range(20)]


def test_overwritten_values_are_forgotten() -> None:
    column = BytesColumn(pa.string())
    before = pa.total_allocated_bytes()
    for turn in range(50):
        column.put(np.arange(5_000), pa.array([f"a text that is long enough {turn} {each}" for each in range(5_000)]))
    assert pa.total_allocated_bytes() - before < 5_000_000
    assert column.take(np.array([4_999])).to_pylist() == ["a text that is long enough 49 4999"]
