"""Types of columns that nobody declared, from their first values."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.types import DATE, DOUBLE, STRING, SqlType, decimal, from_arrow, time, timestamp, timestamp_ltz
from streamsql_connectors.formats.text_values import parse_text

_LOOKS = (
    (r"^\d{4}-\d{2}-\d{2}$", DATE),
    (r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$", timestamp(6)),
    (r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$", timestamp_ltz(6)),
)
_TOO_LARGE = 2.0**63
_MORE_THAN_MILLIS = r"\.\d{3}\d*[1-9]"


def inferred_text(values: pa.Array) -> SqlType:
    """DATE, TIMESTAMP or TIMESTAMP_LTZ where every text is one, else STRING. Times have 3 digits unless they need 6."""
    known = values.drop_null()
    if not len(known):
        return STRING
    for pattern, type_ in _LOOKS:
        if pc.all(pc.match_substring_regex(known, pattern)).as_py():
            if parse_text(known, type_).bad is not None:
                return STRING
            return _with_precision(known, type_)
    return STRING


def _with_precision(texts: pa.Array, type_: SqlType) -> SqlType:
    if type_ is DATE:
        return DATE
    fine = pc.any(pc.match_substring_regex(texts, _MORE_THAN_MILLIS)).as_py()
    make = timestamp_ltz if type_.kind is timestamp_ltz().kind else timestamp
    return make(6 if fine else 3)


def inferred_csv(column: pa.ChunkedArray) -> SqlType:
    """The SQL type for what Arrow's CSV reader found in a column."""
    types, found = pa.types, column.type
    if types.is_null(found):
        return STRING
    if types.is_timestamp(found):
        whole = pc.cast(column, pa.timestamp("ns", found.tz)).cast(pa.int64()).combine_chunks()
        fine = pc.any(pc.not_equal(pc.subtract(whole, pc.multiply(pc.divide(whole, 10**6), 10**6)), 0)).as_py()
        make = timestamp_ltz if found.tz else timestamp
        return make(6 if fine else 3)
    if types.is_time(found):
        return time(0)
    if types.is_floating(found):
        return decimal(38, 0) if _are_long_integers(column) else DOUBLE
    return from_arrow(found)


def _are_long_integers(column: pa.ChunkedArray) -> bool:
    """Whether numbers were read as DOUBLE only because they are too large for a BIGINT."""
    sizes = pc.abs(column)
    largest = pc.max(sizes).as_py()
    return bool(_TOO_LARGE <= largest < 1e38) and bool(pc.all(pc.equal(pc.floor(sizes), sizes)).as_py())
