"""Looking up by reading: each call reads the whole table, and keeps the rows whose keys are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from streamsql.ports import LookupRows, ReadRequest, Source
from streamsql.record import record
from streamsql.state.key_index import KeyIndex


@record
class ScanLookup:
    """Lookups in a table that has no better way; `open` gives a fresh source of it."""

    open: Callable[[], Source]

    def lookup(self, keys: pa.RecordBatch, columns: tuple[str, ...]) -> Iterator[LookupRows]:
        """The rows of keys, in the order of the table."""
        index = KeyIndex(keys.schema.types)
        index.lookup_or_insert(keys.columns)
        request = ReadRequest(tuple(dict.fromkeys((*columns, *keys.schema.names))))
        for batch in self.open().read(request):
            own = [batch.rows.column(field.name).cast(field.type) for field in keys.schema]
            places = index.lookup(own)
            found = np.flatnonzero(places >= 0)
            if len(found):
                yield LookupRows(batch.rows.select(columns).take(pa.array(found)), places[found])

    def close(self) -> None:
        """Nothing is held between calls."""
