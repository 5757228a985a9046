"""Rows that a join keeps, read by number: as they are, or as pairs of rows that another join keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

from streamsql.record import record
from streamsql.state.fixed_width import Int64Array

NUMBER = -1
"""Instead of the position of a column: the number of the row itself."""


class Rows(Protocol):
    """Rows by number."""

    def take(self, numbers: Int64Array, positions: Sequence[int], /) -> list[pa.Array]:
        """Columns of rows, which may repeat."""


@record(eq=False)
class PairedRows:
    """The rows of a join's result, none of which is stored: the numbers of two rows of its inputs stand for each.

    `columns`: the port and the position of each column of the result. The inputs never forget rows.
    """

    sides: tuple[Rows, Rows]
    columns: tuple[tuple[int, int], ...]

    def take(self, numbers: Sequence[Int64Array], positions: Sequence[int]) -> list[pa.Array]:
        """Columns of the pairs of a left row (number) and a right one each."""
        wanted = [self.columns[each] for each in positions]
        found = {
            port: iter(side.take(numbers[port], [column for own, column in wanted if own == port]))
            for port, side in enumerate(self.sides)
        }
        return [next(found[port]) for port, _ in wanted]
