"""How fast GROUP BY is alone: python benchmarks/kernels_group.py prints million input rows a second for each case."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import BIGINT, STRING, Schema, schema
from streamsql.operators.group_aggregate import GroupAggregate
from streamsql.state.partial_aggregates import PartialAggregates

ROWS = 3_000_000
BATCH = 65_536
NUMBERS = schema(("key", BIGINT), ("value", BIGINT))
TEXTS = schema(("key", STRING), ("value", BIGINT))
CALLS = (
    AggregateCall("SUM", (1,), BIGINT),
    AggregateCall("COUNT", (), BIGINT.with_nullable(False)),
    AggregateCall("MAX", (1,), BIGINT),
)
RANDOM = np.random.default_rng(7)


def skewed(rows: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Keys like Nexmark's bidders: three quarters are a few hot ones, the others come from the last thousand."""
    newest = 1_000 + np.arange(rows) // 30
    return np.where(RANDOM.random(rows) < 0.75, newest // 100 * 100, newest - RANDOM.integers(0, 1_000, rows))


def batches(keys: pa.Array, rows: int = BATCH) -> list[pa.RecordBatch]:
    """The keys with a random value beside each, cut into batches."""
    values = pa.array(RANDOM.integers(0, 1_000_000, len(keys)))
    return list(pa.table({"key": keys, "value": values}).combine_chunks().to_batches(max_chunksize=rows))


def updating(input_schema: Schema, parts: list[pa.RecordBatch], append_only: bool = True) -> Callable[[], int]:
    """One step a batch; -1 rows do not come, but where `append_only` is false the operator must reckon with them."""
    output = schema(("key", input_schema.columns[0].type), ("sum", BIGINT), ("count", BIGINT), ("max", BIGINT))

    def run() -> int:
        operator = GroupAggregate(input_schema, [0], CALLS, output, append_only)
        return sum(len(each) for part in parts for each in step(operator, part))

    return run


def step(operator: GroupAggregate, part: pa.RecordBatch) -> Iterator[Batch]:
    yield from operator.on_batch(Batch(part))
    yield from operator.on_step_end()


def tumbling(parts: list[pa.RecordBatch]) -> Callable[[], int]:
    """Only the partial aggregation by (window, key), at 10,000 rows a window."""
    algebra = PartialAggregates(NUMBERS, [0], CALLS, True)

    def run() -> int:
        groups = 0
        for at, part in enumerate(parts):
            window = pa.array((at * BATCH + np.arange(part.num_rows)) // 10_000 * 10_000_000)
            groups += len(algebra.partial(part, extra_keys=[window]))
        return groups

    return run


def main() -> None:
    """Run each case twice and print the better."""
    hot = pa.array(skewed(ROWS))
    uniform = pa.array(RANDOM.integers(0, 1_000_000, ROWS))
    sparse = pa.array(RANDOM.integers(0, 100_000, ROWS) * 1_000_003)
    texts = pa.array(np.char.add("customer-", (hot.to_numpy() % 50_000).astype(str)))
    cases = {
        "skewed int keys": updating(NUMBERS, batches(hot)),
        "skewed int keys, batches of 1,000": updating(NUMBERS, batches(hot, 1_000)),
        "100 K int keys far apart": updating(NUMBERS, batches(sparse)),
        "1 M uniform int keys": updating(NUMBERS, batches(uniform)),
        "1 M uniform int keys, batches of 1,000": updating(NUMBERS, batches(uniform, 1_000)),
        "skewed text keys": updating(TEXTS, batches(texts)),
        "skewed int keys, retractable": updating(NUMBERS, batches(hot), append_only=False),
        "partial by window and skewed key": tumbling(batches(hot)),
    }
    for name, run in cases.items():
        seconds = min(timed(run) for _ in range(2))
        print(f"{name:42s} {ROWS / seconds / 1e6:6.1f} M rows/s")


def timed(run: Callable[[], int]) -> float:
    """Seconds of one run."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
