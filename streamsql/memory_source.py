"""Reading an in-memory table as it was at one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from streamsql.errors import UsageError
from streamsql.expr.types import Schema
from streamsql.memory_history import present
from streamsql.memory_rows import Cursor, Deliver, Stored, put_together
from streamsql.ports import ReadRequest, SourceBatch


class MemorySource:
    """Reads the rows that were there when it was made: as they came and went, if the reader `takes_back` rows."""

    bounded = True
    in_memory = True

    def __init__(
        self,
        schema: Schema,
        stored: Sequence[Stored],
        takes_back: bool = True,
        *,
        compacted: int = 0,
        deliver: Deliver = put_together,
    ) -> None:
        self.schema = schema
        self._deliver = deliver
        self._compacted = compacted
        self._stored = tuple(stored)
        self._takes_back = takes_back

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        """The stored rows in batches of `batch_rows`, small ones put together; the position counts rows delivered."""
        stored = self._stored if self._takes_back else present(self._stored)
        cursor = Cursor()
        done = int(request.start["rows"]) if request.start else 0
        if done and request.start and int(request.start.get("compacted", 0)) != self._compacted:
            raise history_compacted()
        while cursor.rows < done and cursor.take(stored, done - cursor.rows):
            pass
        while some := cursor.take(stored, request.batch_rows):
            delivered = self._deliver(some, request.columns, cursor.rows)
            if self._compacted:
                delivered = replace(delivered, position={"rows": cursor.rows, "compacted": self._compacted})
            yield delivered


def history_compacted() -> UsageError:
    """The error of a reader that would go on from changes that are no more remembered one by one."""
    hint = "run the query from the start: the table has all rows that are left"
    return UsageError("the changes that the snapshot goes on from have been compacted since", hint=hint)
