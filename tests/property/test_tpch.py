"""TPC-H kept up to date: after every step of random changes each of the 22 queries is what DuckDB computes anew."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.tpch.changes import changes
from benchmarks.tpch.data import tables
from benchmarks.tpch.mirror import Mirror
from benchmarks.tpch.queries import FOR_LITTLE_DATA, NUMBERS, statements

SCALE = 0.001


@pytest.mark.parametrize("keyed", [False, True], ids=["rows", "keyed rows"])
def test_inserts_updates_and_deletes(keyed: bool) -> None:
    mirror = Mirror(FOR_LITTLE_DATA, keyed=keyed)
    for step in changes(tables(SCALE), 3, 8, np.random.default_rng(7 + keyed)):
        for change in step:
            mirror.apply(change)
        found = _check(mirror)
    assert sorted(found) == list(NUMBERS)
    for name in tables(SCALE):
        mirror.session.execute(f"DELETE FROM {name}")
    assert all(not mirror.kept(number) for number in NUMBERS)
    mirror.close()


def test_rows_that_come_and_go_several_times() -> None:
    """Each step brings rows, some of them twice or thrice, and takes back some that are there."""
    mirror, random = Mirror(FOR_LITTLE_DATA), np.random.default_rng(9)
    source = tables(SCALE)
    present = {name: np.zeros(rows.num_rows, int) for name, rows in source.items()}
    for part in range(3):
        for name in random.permutation(list(source)):
            rows, counts = source[name], present[name]
            change = random.choice((0, 1, 2), len(counts), p=(0.6, 0.38, 0.02))
            change -= np.minimum(counts, random.choice((0, 1, 3), len(counts), p=(0.7, 0.2, 0.1)))
            if part == 2:
                change = 1 - counts
            counts += change
            picked = random.permutation(np.repeat(np.arange(len(counts)), np.abs(change)))
            # What is taken back was there before: it may come in any order.
            mirror.append(name, rows.take(picked), np.sign(change)[picked].astype(np.int8))
            mirror.batch.register(f"{name}_rows", rows.take(pa.array(np.repeat(np.arange(len(counts)), counts))))
            mirror.batch.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM {name}_rows")
        found = _check(mirror)
    assert sorted(found) == list(NUMBERS)
    mirror.close()


def test_batch_and_stream_give_the_same() -> None:
    mirror = Mirror(FOR_LITTLE_DATA, numbers=())
    for name, rows in tables(SCALE).items():
        mirror.add(name, rows)
    mirror.session.execute("SET 'streamsql.batch-size' = '1000'")
    for number in NUMBERS:
        *views, query = statements(number, FOR_LITTLE_DATA[number])
        for each in views:
            mirror.session.execute(each)
        assert mirror.session.sql(query).compare().unexplained.rows == 0, number
    mirror.close()


def _check(mirror: Mirror) -> Counter[int]:
    """Holds every view to DuckDB's answer; which have rows, and how many."""
    found: Counter[int] = Counter()
    for number in mirror.numbers:
        kept, computed = mirror.kept(number), mirror.computed(number)
        assert kept == computed, f"q{number}: {kept - computed} instead of {computed - kept}"
        found += Counter({number: kept.total()})
    return found
