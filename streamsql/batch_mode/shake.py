"""Shaking a stream: the same query over the same input, cut into steps of other sizes, must give the same answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

from streamsql.batch_mode.difference import Difference, difference, first_disorder
from streamsql.record import record

BATCH_SIZES = (1, 7, 4096)


@record(eq=False)
class Shaken:
    """How the answer at one batch size differs from the expected one.

    `disorder`: the first position where an ordered answer has another row, though both have the same rows.
    """

    batch_rows: int
    difference: Difference
    disorder: int | None = None

    @property
    def text(self) -> str:
        """One line that says what happened."""
        if self.difference.rows:
            return f"batch size {self.batch_rows:,}: {self.difference.rows:,} rows differ"
        return (
            f"batch size {self.batch_rows:,}: the same rows in another order, from row {(self.disorder or 0) + 1:,} on"
        )


def shake(
    run: Callable[[int], pa.Table],
    expected: pa.Table,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    *,
    ordered: bool = True,
) -> tuple[Shaken, ...]:
    """The batch sizes at which `run(batch size)`, a whole stream run, gives another answer than `expected`.

    `ordered`: the order counts too, as it does for append-only results.
    """
    return tuple(_shaken(run, expected, batch_sizes, ordered))


def _shaken(
    run: Callable[[int], pa.Table], expected: pa.Table, batch_sizes: Sequence[int], ordered: bool
) -> Iterator[Shaken]:
    for size in batch_sizes:
        answer = run(size)
        found = difference(answer, expected)
        disorder = first_disorder(answer, expected) if ordered and not found.rows else None
        if found.rows or disorder is not None:
            yield Shaken(size, found, disorder)
