"""Text columns to typed columns, as JSON and CSV need it: '12' to INT, base64 to BYTES, ISO times to TIMESTAMP."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.types import BYTES_KINDS, STRINGS, Kind, SqlType, arrow_type
from streamsql.record import record
from streamsql_connectors import duck

Mask = npt.NDArray[np.bool_]


@record(eq=False)
class Parsed:
    """Typed values; `bad`: where the text means nothing (the value is NULL there), None if nowhere."""

    values: pa.Array
    bad: Mask | None = None


READABLE = frozenset(Kind) - {Kind.INTERVAL_DAY, Kind.INTERVAL_MONTH}
"""The types that text can be read into."""

_TRIMMED = r"regexp_replace(t, '^\s+|\s+$', '', 'g')"
_DATE = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
_MOMENT = rf"{_DATE}([ T]{_CLOCK})?"


def parse_text(text: pa.Array, type_: SqlType) -> Parsed:
    """Values of a scalar type out of text. First all at once as Arrow reads it; where that fails, with more patience:
    white space around, 1e3 for an integer, decimals to be rounded, both spellings of a time with zone."""
    if type_.kind in STRINGS:
        return Parsed(text)
    if type_.kind is Kind.NULL:
        return Parsed(pa.nulls(len(text)))
    for attempt in _ATTEMPTS.get(type_.kind, (_cast,)):
        try:
            return Parsed(attempt(text, arrow_type(type_)))
        except pa.ArrowInvalid:
            continue
    return _patiently(text, type_)


def _cast(text: pa.Array, target: pa.DataType) -> pa.Array:
    return pc.cast(text, target)


def _cast_zoned(text: pa.Array, target: pa.DataType) -> pa.Array:
    """'…Z' for a TIMESTAMP: the zone is left out."""
    if not pc.all(pc.ends_with(text, "Z")).as_py():
        raise pa.ArrowInvalid("not in UTC")
    return pc.cast(pc.cast(text, pa.timestamp("us", "UTC")), target)


def _cast_unzoned(text: pa.Array, target: pa.DataType) -> pa.Array:
    """A TIMESTAMP_LTZ without a zone: UTC."""
    return pc.cast(pc.cast(text, pa.timestamp("us")), target)


def _cast_time(text: pa.Array, target: pa.DataType) -> pa.Array:
    moments = pc.cast(pc.binary_join_element_wise("1970-01-01", text, " "), pa.timestamp("us"))
    return pc.cast(moments, target)


def _refuse(text: pa.Array, target: pa.DataType) -> pa.Array:
    raise pa.ArrowInvalid("Arrow has no such cast")


_ATTEMPTS: dict[Kind, tuple[Callable[[pa.Array, pa.DataType], pa.Array], ...]] = {
    Kind.TIMESTAMP: (_cast, _cast_zoned),
    Kind.TIMESTAMP_LTZ: (_cast, _cast_unzoned),
    Kind.TIME: (_cast_time,),
    **dict.fromkeys(BYTES_KINDS, (_refuse,)),
}


def _patiently(text: pa.Array, type_: SqlType) -> Parsed:
    value, readable = _SQL[type_.kind](type_)
    missing = f"t IS NOT NULL AND ({readable or value}) IS NULL"
    trimmed = f"{_TRIMMED} AS t"
    values, bad = duck.project_twice({"t": text}, trimmed, (value, missing))
    mask = bad.to_numpy(zero_copy_only=False).astype(np.bool_)
    return Parsed(pc.cast(values, arrow_type(type_)), mask if mask.any() else None)


def _integer(type_: SqlType) -> tuple[str, str | None]:
    name = "INTEGER" if type_.kind is Kind.INT else type_.kind.value
    whole = "TRY_CAST(t AS DOUBLE) = trunc(TRY_CAST(t AS DOUBLE)) AND abs(TRY_CAST(t AS DOUBLE)) < 9007199254740992"
    digits = f"CASE WHEN regexp_full_match(t, '[+-]?[0-9]+') THEN TRY_CAST(t AS {name})"
    return f"{digits} WHEN {whole} THEN TRY_CAST(TRY_CAST(t AS DOUBLE) AS {name}) END", None


def _floating(type_: SqlType) -> tuple[str, str | None]:
    return f"TRY_CAST(t AS {type_.kind.value})", None


def _decimal(type_: SqlType) -> tuple[str, str | None]:
    # Rounds half up from text; what is too big for the type is NULL, but not unreadable.
    number = r"CASE WHEN regexp_full_match(t, '[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?') THEN 1 END"
    return f"CASE WHEN ({number}) = 1 THEN TRY_CAST(t AS DECIMAL({type_.precision}, {type_.scale})) END", number


def _boolean(type_: SqlType) -> tuple[str, str | None]:
    return (
        "CASE lower(t) WHEN 'true' THEN TRUE WHEN '1' THEN TRUE WHEN 'false' THEN FALSE WHEN '0' THEN FALSE END",
        None,
    )


def _bytes(type_: SqlType) -> tuple[str, str | None]:
    return "TRY(from_base64(t))", None


def _date(type_: SqlType) -> tuple[str, str | None]:
    return f"CASE WHEN regexp_full_match(t, '{_DATE}') THEN TRY_CAST(t AS DATE) END", None


def _time(type_: SqlType) -> tuple[str, str | None]:
    return f"CASE WHEN regexp_full_match(t, '{_CLOCK}') THEN TRY_CAST(t AS TIME) END", None


def _timestamp(type_: SqlType) -> tuple[str, str | None]:
    return f"CASE WHEN regexp_full_match(t, '{_MOMENT}Z?') THEN TRY_CAST(rtrim(t, 'Z') AS TIMESTAMP) END", None


def _timestamp_ltz(type_: SqlType) -> tuple[str, str | None]:
    zone = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
    return f"CASE WHEN regexp_full_match(t, '{_MOMENT}{zone}') THEN TRY_CAST(t AS TIMESTAMPTZ) END", None


_SQL: dict[Kind, Callable[[SqlType], tuple[str, str | None]]] = {
    Kind.TINYINT: _integer,
    Kind.SMALLINT: _integer,
    Kind.INT: _integer,
    Kind.BIGINT: _integer,
    Kind.FLOAT: _floating,
    Kind.DOUBLE: _floating,
    Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: _boolean,
    Kind.BINARY: _bytes,
    Kind.VARBINARY: _bytes,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.TIMESTAMP: _timestamp,
    Kind.TIMESTAMP_LTZ: _timestamp_ltz,
}
