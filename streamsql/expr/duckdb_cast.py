"""CAST as DuckDB SQL that gives what cast_kernels.py gives."""

from __future__ import annotations

from functools import partial

from streamsql.expr import nested_casts
from streamsql.expr.casting import cast_can_fail, integer_limits, is_relabelling
from streamsql.expr.coercion import INTEGER_BITS, NUMERIC
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_text import (
    computed_once,
    duckdb_type,
    each_element,
    identifier,
    local_sql,
    quoted,
    zoned_sql,
)
from streamsql.expr.text_casts import EXACT_NUMBER, FALSE_TEXT, TRUE_TEXT
from streamsql.expr.time_casts import FRACTION_ZEROS
from streamsql.expr.types import BYTES_KINDS, FLOATS, INTEGERS, STRING, STRINGS, TIMESTAMPS, Kind, SqlType


def cast_sql(sql: str, source: SqlType, target: SqlType, safe: bool, context: EvalContext) -> str:
    """`sql`, a value of `source`, as `target`."""
    if source.kind is Kind.NULL:
        return f"CAST(NULL AS {duckdb_type(target)})"
    if is_relabelling(source, target):
        return sql
    if source.children:
        strict = _nested(sql, source, target, context)
        return f"TRY({strict})" if safe and cast_can_fail(source, target) else strict
    if source.kind in STRINGS and target.kind not in STRINGS:
        return _from_text(sql, target, safe, context)
    if target.kind in STRINGS:
        text = _to_text(sql, source, context)
        return _to_length(f"TRY({text})" if safe and source.kind in BYTES_KINDS else text, target)
    if source.kind in NUMERIC or source.kind is Kind.BOOLEAN:
        return _number(sql, source, target)
    if source.kind in BYTES_KINDS:
        return _bytes_to_length(sql, target)
    return _moment(sql, source, target, context)


def _nested(sql: str, source: SqlType, target: SqlType, context: EvalContext) -> str:
    """ARRAY, MAP, MULTISET and ROW part by part; `TRY` around it takes back the whole value."""
    if target.kind in STRINGS:
        return _to_length(_nested_text(sql, source, context), target)
    casts = [
        partial(cast_sql, source=a, target=b, safe=False, context=context)
        for a, b in zip(nested_casts.parts(source), nested_casts.parts(target), strict=True)
    ]
    if source.kind is Kind.ARRAY:
        return each_element(sql, casts[0])
    if source.kind is Kind.ROW:
        named = list(zip(casts, source.names, target.names, strict=True))

        def fields(row: str) -> str:
            packed = (f"{identifier(name)} := {cast(_field(row, old))}" for cast, old, name in named)
            return f"CASE WHEN {row} IS NOT NULL THEN struct_pack({', '.join(packed)}) END"

        return computed_once(sql, fields)
    key, item = casts
    entries = each_element(
        f"map_entries({sql})", lambda e: f"{{'key': {key(_field(e, 'key'))}, 'value': {item(_field(e, 'value'))}}}"
    )
    return f"map_from_entries({entries})"


def _nested_text(sql: str, source: SqlType, context: EvalContext) -> str:
    """`[1, NULL]`, `{a=1, b=NULL}`, `(1, x)`."""
    texts = [partial(_part_text, source=each, context=context) for each in nested_casts.parts(source)]
    if source.kind is Kind.ARRAY:
        return f"('[' || array_to_string({each_element(sql, texts[0])}, ', ') || ']')"
    if source.kind is Kind.ROW:
        named = list(zip(texts, source.names, strict=True))

        def fields(row: str) -> str:
            shown = " || ', ' || ".join(text(_field(row, name)) for text, name in named)
            return f"CASE WHEN {row} IS NOT NULL THEN '(' || {shown} || ')' END"

        return computed_once(sql, fields)
    key, item = texts
    entries = each_element(
        f"map_entries({sql})", lambda e: f"{key(_field(e, 'key'))} || '=' || {item(_field(e, 'value'))}"
    )
    return f"('{{' || array_to_string({entries}, ', ') || '}}')"


def _part_text(sql: str, source: SqlType, context: EvalContext) -> str:
    return f"coalesce({cast_sql(sql, source, STRING, False, context)}, 'NULL')"


def _field(row: str, name: str) -> str:
    return f"struct_extract({row}, {quoted(name)})"


def _from_text(sql: str, target: SqlType, safe: bool, context: EvalContext) -> str:
    if target.kind in BYTES_KINDS:
        return _bytes_to_length(f"encode({sql})", target)
    value = _parsed(sql, target, context)
    if safe:
        return value
    wrong = f"{sql} IS NOT NULL"
    if target.kind is Kind.DECIMAL:
        wrong += f" AND NOT regexp_matches(trim({sql}, ' '), {quoted(EXACT_NUMBER)})"
    # A cast of the message fails with it; error() is volatile to DuckDB, which forbids it inside TRY.
    message = f"CAST('cannot cast ''' || {sql} || ''' to {target.with_nullable(True)}' AS {duckdb_type(target)})"
    return f"coalesce({value}, CASE WHEN {wrong} THEN {message} END)"


def _parsed(sql: str, target: SqlType, context: EvalContext) -> str:
    match target.kind:
        case kind if kind in INTEGERS:
            return f"TRY_CAST(streamsql_to_integer({sql}) AS {duckdb_type(target)})"
        case kind if kind in FLOATS:
            number = f"streamsql_to_double({sql})"
            return f"CAST({number} AS FLOAT)" if kind is Kind.FLOAT else number
        case Kind.DECIMAL:
            pattern = quoted(EXACT_NUMBER)
            text = f"trim({sql}, ' ')"
            return f"CASE WHEN regexp_matches({text}, {pattern}) THEN {_decimal_of_text(text, target)} END"
        case Kind.BOOLEAN:
            true, false = (", ".join(quoted(each) for each in words) for words in (TRUE_TEXT, FALSE_TEXT))
            text = f"lower(trim({sql}, ' '))"
            return f"CASE WHEN {text} IN ({true}) THEN true WHEN {text} IN ({false}) THEN false END"
        case Kind.DATE:
            return f"streamsql_to_date({sql})"
        case Kind.TIME:
            return _cut_time(f"streamsql_to_time({sql})", target)
        case _:
            moment = _cut(f"streamsql_to_timestamp({sql})", target)
            return zoned_sql(moment, target, context)


def _decimal_of_text(text: str, target: SqlType) -> str:
    precision, scale = target.precision or 0, target.scale or 0
    return f"TRY_CAST(streamsql_no_exponent({text}, '+ {scale} {precision - scale}') AS {duckdb_type(target)})"


def _to_text(sql: str, source: SqlType, context: EvalContext) -> str:
    length = 20 + (source.precision or 0) if source.precision else 19
    match source.kind:
        case Kind.BOOLEAN:
            return f"CASE WHEN {sql} THEN 'TRUE' WHEN NOT {sql} THEN 'FALSE' END"
        case Kind.FLOAT | Kind.DOUBLE:
            return f"streamsql_java_number(CAST({sql} AS VARCHAR), {sql})"
        case Kind.DATE:
            return f"strftime({sql}, '%Y-%m-%d')"
        case Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ:
            return f"left(strftime({local_sql(sql, source, context)}, '%Y-%m-%d %H:%M:%S.%f'), {length})"
        case Kind.TIME:
            text = f"left(strftime(make_timestamp(epoch_us({sql})), '%H:%M:%S.%f'), {length - 11})"
            return f"regexp_replace({text}, {quoted(FRACTION_ZEROS)}, '\\1')" if source.precision else text
        case Kind.INTERVAL_MONTH:
            return f"streamsql_months_text({sql})"
        case Kind.INTERVAL_DAY:
            return f"streamsql_interval_text({sql})"
        case Kind.BINARY | Kind.VARBINARY:
            return f"decode({sql})"
        case kind if kind in STRINGS:
            return sql
        case _:
            return f"CAST({sql} AS VARCHAR)"


def _to_length(sql: str, target: SqlType) -> str:
    if target.precision is None:
        return sql
    cut = f"left({sql}, {target.precision})"
    return cut if target.kind is Kind.VARCHAR else f"rpad({cut}, {target.precision}, ' ')"


def _bytes_to_length(sql: str, target: SqlType) -> str:
    """DuckDB cuts and pads text only: bytes go through their hexadecimal text."""
    if target.precision is None:
        return sql
    cut = f"left(hex({sql}), {2 * target.precision})"
    return (
        f"unhex({cut if target.kind is Kind.VARBINARY else f'rpad({cut}, {2 * target.precision}, {quoted(chr(48))})'})"
    )


def _number(sql: str, source: SqlType, target: SqlType) -> str:
    type_ = duckdb_type(target)
    if target.kind is Kind.BOOLEAN:
        return f"({sql} <> 0)"
    if target.kind is Kind.DECIMAL:
        if source.kind not in FLOATS:
            return f"TRY_CAST({sql} AS {type_})"
        whole = (target.precision or 0) - (target.scale or 0)
        text = f"CAST(CAST({sql} AS DOUBLE) AS VARCHAR)"
        small = f"isfinite({sql}) AND abs(CAST({sql} AS DOUBLE)) < 1e{whole}"
        return f"CASE WHEN {small} THEN {_decimal_of_text(text, target)} END"
    if target.kind in FLOATS:
        return (
            _float(sql)
            if (source.kind, target.kind) == (Kind.DOUBLE, Kind.FLOAT)
            else f"CAST({_exact_double(sql, source)} AS {type_})"
        )
    if source.kind is Kind.BOOLEAN:
        return f"CAST({sql} AS {type_})"
    return f"CAST({_whole(sql, source, target)} AS {type_})"


def _float(sql: str) -> str:
    """A DOUBLE too large for FLOAT is infinite."""
    infinite = f"CAST(CASE WHEN {sql} > 0 THEN 'inf' ELSE '-inf' END AS FLOAT)"
    too_large = f"isfinite({sql}) AND abs({sql}) >= 3.4028235677973366e38"
    return f"CASE WHEN {too_large} THEN {infinite} ELSE CAST({sql} AS FLOAT) END"


def _exact_double(sql: str, source: SqlType) -> str:
    """DuckDB divides the digits of a DECIMAL as doubles, which is exact up to 15 of them."""
    if source.kind is not Kind.DECIMAL:
        return sql
    return f"CAST({sql} AS DOUBLE)" if (source.precision or 0) <= 15 else f"CAST(CAST({sql} AS VARCHAR) AS DOUBLE)"


def _whole(sql: str, source: SqlType, target: SqlType) -> str:
    bits = INTEGER_BITS[target.kind]
    if source.kind in FLOATS:
        low, high = integer_limits(target.kind if bits >= 32 else Kind.INT)
        saturated = f"streamsql_saturate(CAST({sql} AS DOUBLE), CAST({low} AS HUGEINT), CAST({high} AS HUGEINT))"
        return saturated if bits >= 32 else _wrapped(saturated, bits)
    if source.kind is Kind.DECIMAL:
        return _wrapped(f"CAST(trunc({sql}) AS HUGEINT)", bits)
    return sql if INTEGER_BITS[source.kind] <= bits else _wrapped(sql, bits)


def _wrapped(sql: str, bits: int) -> str:
    return f"streamsql_wrap({sql}, CAST({1 << (bits - 1)} AS HUGEINT))"


def _moment(sql: str, source: SqlType, target: SqlType, context: EvalContext) -> str:
    """Among DATE, TIME, TIMESTAMP and TIMESTAMP_LTZ."""
    if source.kind is Kind.TIME and target.kind is Kind.TIME:
        return _cut_time(sql, target)
    local = f"make_timestamp(epoch_us({sql}))" if source.kind is Kind.TIME else local_sql(sql, source, context)
    if source.kind is target.kind and source.kind in TIMESTAMPS:
        make = "make_timestamptz" if target.kind is Kind.TIMESTAMP_LTZ else "make_timestamp"
        return f"{make}(streamsql_cut(epoch_us({sql}), {10 ** (6 - (target.precision or 0))}))"
    if target.kind is Kind.DATE:
        return f"CAST({local} AS DATE)"
    if target.kind is Kind.TIME:
        return _cut_time(f"CAST({local} AS TIME)", target)
    return zoned_sql(_cut(local, target), target, context)


def _cut(moment: str, target: SqlType) -> str:
    if (target.precision or 0) >= 6:
        return moment
    return f"make_timestamp(streamsql_cut(epoch_us({moment}), {10 ** (6 - (target.precision or 0))}))"


def _cut_time(sql: str, target: SqlType) -> str:
    if (target.precision or 0) >= 6:
        return sql
    return f"streamsql_time(streamsql_cut(epoch_us({sql}), {10 ** (6 - (target.precision or 0))}))"
