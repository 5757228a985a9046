"""A list of record batches of any length in bounded memory: what is too much for memory lies in a temporary file."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa

MEMORY_BYTES = 8 << 20


class Spool:
    """Batches of one schema, read back in the order in which they were appended."""

    def __init__(self, schema: pa.Schema, memory_bytes: int = MEMORY_BYTES) -> None:
        self.schema = schema
        self.rows = 0
        self._memory_bytes = memory_bytes
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0
        self._file: IO[bytes] | None = None
        self._writer: Any = None

    def append(self, batch: pa.RecordBatch) -> None:
        """Add a batch at the end."""
        if not batch.num_rows:
            return
        self.rows += batch.num_rows
        self._held.append(batch)
        self._held_bytes += batch.nbytes
        if self._held_bytes > self._memory_bytes:
            self._spill()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        held = tuple(self._held)
        if self._file is not None:
            self._file.flush()
            with open(self._file.name, "rb") as spilled, pa.ipc.open_stream(spilled) as reader:
                yield from reader
        yield from held

    def to_table(self) -> pa.Table:
        """All batches as one table."""
        return pa.Table.from_batches(list(self), self.schema)

    def _spill(self) -> None:
        if self._file is None:
            import tempfile

            self._file = tempfile.NamedTemporaryFile(prefix="streamsql-", suffix=".arrows")  # noqa: SIM115
            weakref.finalize(self, self._file.close)
            self._writer = pa.ipc.new_stream(self._file, self.schema)
        for batch in self._held:
            self._writer.write_batch(batch)
        self._held, self._held_bytes = [], 0
