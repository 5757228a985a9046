"""DuckDB's own scalar functions, callable by name where Flink has none of that name, or as `duckdb.name(…)`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

from streamsql.errors import NotSupportedYet
from streamsql.expr import types as t
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_text import duckdb_type
from streamsql.expr.function import DUCKDB_PREFIX, Function
from streamsql.expr.nodes import Call, Expr, Literal
from streamsql.expr.signatures import Args, Bound, Mismatch
from streamsql.expr.types import Kind, SqlType

_NAMES = """
    abs acosh array_aggregate array_append array_cat array_concat array_distinct array_extract array_has array_has_all
    array_has_any array_intersect array_length array_position array_prepend array_reverse array_slice array_sort
    array_to_string array_unique array_where array_zip ascii asinh atanh bar base64 bin bit_count bit_length cbrt ceil
    century chr concat concat_ws contains cot damerau_levenshtein date_diff date_part date_sub date_trunc datediff
    datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month decade decode degrees
    editdist3 encode ends_with epoch epoch_ms epoch_ns epoch_us even exp factorial fdiv flatten floor fmod format
    format_bytes from_base64 from_binary from_hex gamma gcd generate_series geomean greatest greatest_common_divisor
    hamming hash hex hour instr isfinite isinf isnan isodow isoyear jaccard jaro_similarity jaro_winkler_similarity
    json_array_length json_contains json_exists json_extract json_extract_string json_keys json_merge_patch json_pretty
    json_structure json_type json_valid julian last_day lcase lcm least least_common_multiple left left_grapheme len
    length length_grapheme levenshtein lgamma list_aggregate list_any_value list_append list_avg list_bool_and
    list_bool_or list_concat list_contains list_cosine_distance list_cosine_similarity list_count list_distance
    list_distinct list_dot_product list_element list_entropy list_extract list_first list_has list_has_all list_has_any
    list_indexof list_inner_product list_intersect list_kurtosis list_last list_mad list_max list_median list_min
    list_mode list_position list_prepend list_product list_resize list_reverse list_reverse_sort list_select
    list_skewness list_slice list_sort list_stddev_pop list_stddev_samp list_string_agg list_sum list_unique
    list_var_pop list_var_samp list_where list_zip ln log log10 log2 lower lpad ltrim make_date make_time
    make_timestamp map_concat map_contains map_entries map_extract map_extract_value map_from_entries map_keys
    map_values md5 md5_number microsecond millennium millisecond minute mismatches mod month monthname nextafter
    nfc_normalize octet_length ord parse_dirname parse_dirpath parse_filename parse_path pi position pow power prefix
    printf quarter radians range regexp_escape regexp_extract regexp_extract_all regexp_full_match regexp_matches
    regexp_replace regexp_split_to_array repeat replace reverse right right_grapheme round round_even rpad rtrim second
    sha1 sha256 sign signbit split_part sqrt starts_with str_split str_split_regex strftime string_split
    string_split_regex strip_accents strlen strpos strptime substr substring substring_grapheme suffix time_bucket
    to_base to_base64 to_binary to_hex translate trim trunc try_strptime typeof ucase unbin unhex unicode upper
    url_decode url_encode week weekday weekofyear xor year yearweek
    acos add array_aggr array_contains array_grade_up array_indexof array_resize array_reverse_sort array_select
    array_to_json asin atan atan2 cardinality char_length character_length cos cosh divide element_at equi_width_bins
    from_json from_json_strict grade_up ilike_escape json_array json_deep_merge json_extract_path
    json_extract_path_text json_insert json_normalize json_object json_quote json_remove json_replace json_set
    json_strip_nulls json_transform json_transform_strict json_value like_escape list_aggr list_cat list_grade_up
    list_value make_timestamp_ms multiply nanosecond overlay parse_formatted_bytes path_join roundbankers
    row_to_json sin sinh split string_to_array struct_concat struct_keys subtract tan tanh to_json uuid_extract_version
"""
ALLOWED = frozenset(_NAMES.split())
"""Scalar functions without effects that read nothing but their arguments."""

_PLAIN = {
    "boolean": t.BOOLEAN,
    "tinyint": t.TINYINT,
    "smallint": t.SMALLINT,
    "integer": t.INT,
    "bigint": t.BIGINT,
    "hugeint": t.decimal(38, 0),
    "uhugeint": t.decimal(38, 0),
    "utinyint": t.SMALLINT,
    "usmallint": t.INT,
    "uinteger": t.BIGINT,
    "ubigint": t.decimal(20, 0),
    "float": t.FLOAT,
    "double": t.DOUBLE,
    "varchar": t.STRING,
    "uuid": t.STRING,
    "enum": t.STRING,
    "blob": t.BYTES,
    "date": t.DATE,
    "time": t.time(6),
    "timestamp": t.timestamp(6),
    "timestamp_ms": t.timestamp(3),
    "timestamp_s": t.timestamp(0),
    "timestamp with time zone": t.timestamp_ltz(6),
}


def find_duckdb_function(key: str) -> Function | None:
    """The entry of a DuckDB function by its upper-case name, with or without the prefix; None: not on the list."""
    name = key.removeprefix(DUCKDB_PREFIX).lower()
    return _entry(name) if name in ALLOWED else None


@lru_cache
def _entry(name: str) -> Function:
    return Function(
        f"{DUCKDB_PREFIX}{name.upper()}",
        f"DuckDB's {name}(…)",
        partial(_bind, name),
        None,
        partial(_call_sql, name),
        None,
        can_fail=True,
    )


def _call_sql(name: str, call: Call, args: Sequence[str], context: EvalContext) -> str:
    """Intervals as DuckDB has them; a whole number beyond the widest DECIMAL fails."""
    text = f"{name}({', '.join(_as_duckdb(sql, arg) for sql, arg in zip(args, call.args, strict=True))})"
    return f"CAST({text} AS {duckdb_type(call.type)})" if call.type.kind is Kind.DECIMAL else text


def _as_duckdb(sql: str, arg: Expr) -> str:
    """Our intervals are whole numbers there."""
    make = {Kind.INTERVAL_DAY: "to_microseconds", Kind.INTERVAL_MONTH: "to_months"}.get(arg.type.kind)
    return sql if make is None else f"{make}({sql})"


def _bind(name: str, args: Args) -> Bound:
    """Ask DuckDB for the type that the function gives for arguments of these types."""
    import duckdb

    from streamsql.expr.duckdb_connection import kernel_cursor
    from streamsql.expr.duckdb_sql import duckdb_sql

    shown = [_sample(arg, duckdb_sql) for arg in args]
    try:
        found = kernel_cursor(EvalContext()).sql(f"SELECT {name}({', '.join(shown)}) AS result").types[0]
    except duckdb.Error as error:
        raise _misfit(name, args, str(error)) from None
    return Bound(args, _sql_type(name, found).with_nullable(True))


def _sample(arg: Any, render: Any) -> str:
    """Constants as they are (some functions insist on them), the rest as typed NULLs."""
    if isinstance(arg, Literal):
        return _as_duckdb(str(render(arg, {}, EvalContext())), arg)
    return _as_duckdb(f"CAST(NULL AS {duckdb_type(arg.type)})", arg)


def _misfit(name: str, args: Args, error: str) -> Mismatch:
    """Says what the function takes, where the types are what is wrong; else what DuckDB says."""
    line = error.strip().split("\n")[0].split(": ", 1)[-1]
    if "argument types" not in line and "candidate" not in line:
        return Mismatch(line, f"this is DuckDB's {name}")
    given = ", ".join(str(each.type.with_nullable(True)) for each in args)
    known = " or ".join(duckdb_signatures(name))
    return Mismatch(f"DuckDB's {name}({given}) does not fit: expected {known}", "CAST the arguments to those types")


@lru_cache
def duckdb_signatures(name: str) -> tuple[str, ...]:
    """How one of DuckDB's functions is called, a text for each of its overloads, the first few of them."""
    from streamsql.expr.duckdb_connection import kernel_cursor

    found = kernel_cursor(EvalContext()).execute(
        "SELECT DISTINCT parameters, parameter_types, varargs FROM duckdb_functions()"
        " WHERE function_name = ? AND function_type IN ('scalar', 'macro') ORDER BY ALL LIMIT ?",
        [name, _SHOWN_OVERLOADS],
    )
    return tuple(
        f"{name}({', '.join([*map(_parameter, types, names), *([f'{varargs} …'] if varargs else [])])})"
        for names, types, varargs in found.fetchall()
    )


_SHOWN_OVERLOADS = 6


def _parameter(type_: str | None, name: str) -> str:
    return name if type_ is None else _WORDS.get(type_, type_)


_WORDS = {"VARCHAR": "STRING", "INTEGER": "INT", "BLOB": "BYTES", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP_LTZ"}


def _sql_type(name: str, found: Any) -> SqlType:
    kind = str(found.id)
    if kind in _PLAIN:
        return _PLAIN[kind]
    children = dict(found.children) if kind not in ("list", "array") else {"child": found.children[0][1]}
    match kind:
        case "decimal":
            return t.decimal(int(children["precision"]), int(children["scale"]))
        case "list" | "array":
            return t.array(_sql_type(name, children["child"]))
        case "map":
            return t.map_(_sql_type(name, children["key"]), _sql_type(name, children["value"]))
        case "struct":
            return t.row(tuple(children), tuple(_sql_type(name, each) for each in children.values()))
        case _ if "JSON" in str(found).upper():
            return t.STRING
        case _:
            raise NotSupportedYet(f"the {found} that DuckDB's {name} returns")
