"""What to write instead of a CAST that does not exist."""

from __future__ import annotations

from itertools import product

from streamsql.expr.casting import NESTED, can_cast, part_fits
from streamsql.expr.coercion import INTERVALS, NUMERIC
from streamsql.expr.types import BYTES_KINDS, STRINGS, TIMESTAMPS, Kind, SqlType

_NUMBER, _BYTES, _TEXT, _TIMESTAMP, _INTERVAL = "number", "bytes", "text", "timestamp", "interval"

_INSTEAD: dict[tuple[str, str], str] = {
    (_NUMBER, Kind.TIMESTAMP_LTZ.value): "write TO_TIMESTAMP_LTZ(…, 3) for milliseconds since 1970",
    (_NUMBER, Kind.TIMESTAMP.value): "write CAST(TO_TIMESTAMP_LTZ(…, 3) AS TIMESTAMP(3)) for milliseconds since 1970",
    (_NUMBER, Kind.DATE.value): "write DATE '1970-01-01' + … * INTERVAL '1' DAY for days since 1970",
    (_NUMBER, Kind.TIME.value): "write TIME '00:00:00' + … * INTERVAL '1' SECOND for seconds of the day",
    (
        _NUMBER,
        Kind.INTERVAL_DAY.value,
    ): "write … * INTERVAL '1' SECOND, or CAST(… AS INTERVAL SECOND) of a whole number",
    (
        _NUMBER,
        Kind.INTERVAL_MONTH.value,
    ): "write … * INTERVAL '1' MONTH, or CAST(… AS INTERVAL MONTH) of a whole number",
    (_NUMBER, _BYTES): "write CAST(CAST(… AS STRING) AS BYTES) for its digits",
    (Kind.BOOLEAN.value, _BYTES): "write CAST(CAST(… AS STRING) AS BYTES)",
    (_BYTES, _NUMBER): "write CAST(CAST(… AS STRING) AS INT) where the bytes are digits",
    (_BYTES, Kind.BOOLEAN.value): "write CAST(CAST(… AS STRING) AS BOOLEAN)",
    (_TIMESTAMP, _NUMBER): "write EXTRACT(EPOCH FROM …) for seconds since 1970",
    (Kind.DATE.value, _NUMBER): "write TIMESTAMPDIFF(DAY, DATE '1970-01-01', …) for days since 1970",
    (Kind.TIME.value, _NUMBER): "write EXTRACT(HOUR FROM …), or another part of it",
    (_TIMESTAMP, Kind.INTERVAL_DAY.value): "write … - TIMESTAMP '1970-01-01 00:00:00'",
    (Kind.DATE.value, Kind.TIME.value): "a DATE has no time of day",
    (Kind.TIME.value, Kind.DATE.value): "a TIME has no date",
    (_TEXT, Kind.INTERVAL_DAY.value): "write CAST(… AS INT) * INTERVAL '1' DAY, or for a constant INTERVAL '…' DAY",
    (
        _TEXT,
        Kind.INTERVAL_MONTH.value,
    ): "write CAST(… AS INT) * INTERVAL '1' MONTH, or for a constant INTERVAL '…' MONTH",
    (Kind.INTERVAL_DAY.value, _NUMBER): "write TIMESTAMPDIFF(SECOND, from, to) for the seconds between two times",
    (Kind.INTERVAL_MONTH.value, _NUMBER): "write TIMESTAMPDIFF(MONTH, from, to) for the months between two times",
    (_INTERVAL, _INTERVAL): "months have no fixed number of days",
    (_TEXT, Kind.ARRAY.value): "write SPLIT(…, ',') for an ARRAY of texts",
    (_TEXT, Kind.MAP.value): "write STR_TO_MAP(…) for a MAP of texts",
    (_TEXT, Kind.ROW.value): "write ROW(…) of its parts",
}

_EXAMPLES = (
    SqlType(Kind.BOOLEAN),
    SqlType(Kind.INT),
    SqlType(Kind.DOUBLE),
    SqlType(Kind.DECIMAL, 10, 2),
    SqlType(Kind.VARCHAR),
    SqlType(Kind.VARBINARY),
    SqlType(Kind.DATE),
    SqlType(Kind.TIME, 0),
    SqlType(Kind.TIMESTAMP, 3),
    SqlType(Kind.TIMESTAMP_LTZ, 3),
)


def cast_hint(source: SqlType, target: SqlType) -> str:
    """What to write, or else what the source can be cast to.

    >>> cast_hint(SqlType(Kind.DATE), SqlType(Kind.TIME, 0))
    'a DATE has no time of day'
    >>> cast_hint(SqlType(Kind.DATE), SqlType(Kind.BOOLEAN))
    'DATE can be cast to STRING, DATE, TIMESTAMP(3), TIMESTAMP_LTZ(3)'
    """
    keys = product((source.kind.value, _family(source)), (target.kind.value, _family(target)))
    if found := next((_INSTEAD[each] for each in keys if each in _INSTEAD), None):
        return found
    if source.kind is Kind.ROW and target.kind is Kind.ROW and len(source.children) != len(target.children):
        return f"it has {len(source.children)} fields, the type has {len(target.children)}"
    if source.kind in NESTED and source.kind is target.kind:
        pairs = zip(source.children, target.children, strict=True)
        part, wanted = next((a, b) for a, b in pairs if not part_fits(a, b))
        return (
            cast_hint(part, wanted) if not can_cast(part, wanted) else f"{part} in it may be NULL: leave out NOT NULL"
        )
    named = ", ".join(str(each) for each in _EXAMPLES if can_cast(source, each))
    return f"{source.with_nullable(True)} can be cast to {named}"


def _family(type_: SqlType) -> str:
    families = (
        (_NUMBER, NUMERIC),
        (_BYTES, BYTES_KINDS),
        (_TIMESTAMP, TIMESTAMPS),
        (_INTERVAL, INTERVALS),
        (_TEXT, STRINGS),
    )
    return next((name for name, kinds in families if type_.kind in kinds), type_.kind.value)
