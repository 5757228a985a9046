"""Our meanings as DuckDB macros, defined on every connection: exact division, Java's texts, checked parsing, calendar.

`list_transform([value], lambda v: …)[1]` gives a value a name inside an expression, so that it is computed once.
"""

from __future__ import annotations

from streamsql.expr.duckdb_json_macros import JSON_MACROS

_DAY = 86_400_000_000
_DATE = r"^ *(?P<y>\d{1,4})(?:-(?P<m>\d{1,2})(?:-(?P<d>\d{1,2}))?)?(?: .*)?$"
_CLOCK = r"(?P<h>\d{1,2}):(?P<i>\d{1,2}):(?P<s>\d{1,2})(?:\.(?P<f>\d{1,9}))?"
_TIMESTAMP = rf"^(?P<y>\d{{4}})-(?P<m>\d{{1,2}})-(?P<d>\d{{1,2}})(?: {_CLOCK})?$"
_TIME = r"^(?P<h>\d{1,2})(?::(?P<i>\d{1,2})(?::(?P<s>\d{1,2})(?:\.(?P<f>\d{1,9}))?)?)?$"
_WHOLE = r"^([+-]?\d+)(?:\.\d*)?$"
_FLOATING = r"^[+-]?(NaN|Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?)$"
# Texts that DuckDB reads as we do, if it reads them; the others take longer.
_PLAIN_DATE = r"\d{4}-\d{2}-\d{2}"
_PLAIN_TIMESTAMP = rf"{_PLAIN_DATE}( ([01]\d|2[0-3]):\d{{2}}:\d{{2}}(\.\d{{1,6}})?)?"
_PLAIN_WHOLE = r"-?\d{1,18}"
_PLAIN_DOUBLE = r"-?\d+(\.\d+)?([eE][+-]?\d+)?"
_SHORTEST = r"^(-?)(\d+)\.?(\d*)(?:e([+-]\d+))?$"


def _field(name: str, default: int) -> str:
    return f"CAST(coalesce(nullif(f.{name}, ''), '{default}') AS BIGINT)"


_FRACTION = "CAST(left(rpad(f.f, 6, '0'), 6) AS BIGINT)"
_CLOCK_FIELDS = f"{_field('h', 0)}, {_field('i', 0)}, {_field('s', 0)}, {_FRACTION}"
_DATE_FIELDS = f"{_field('y', 1970)}, {_field('m', 1)}, {_field('d', 1)}"


def _captured(pattern: str, groups: str, present: str, result: str) -> str:
    names = ", ".join(f"'{each}'" for each in groups)
    fields = f"regexp_extract(t, '{pattern}', [{names}])"
    return f"list_transform([{fields}], lambda f: CASE WHEN f.{present} <> '' THEN {result} END)[1]"


_DECIMALS = {
    # Decimals as whole numbers: 1.25 of scale 2 is 125; and back, as text.
    "streamsql_power(n)": "CAST('1' || repeat('0', n) AS HUGEINT)",
    "streamsql_unscaled(x, more)": "CAST(replace(CAST(x AS VARCHAR), '.', '') || repeat('0', more) AS HUGEINT)",
    "streamsql_filled(t, n)": "lpad(t, CAST(greatest(n, length(t)) AS INTEGER), '0')",
    "streamsql_scaled(q, s)": """list_transform([q], lambda v: CASE WHEN v < 0 THEN '-' ELSE '' END ||
        CASE WHEN s = 0 THEN CAST(abs(v) AS VARCHAR)
             ELSE left(streamsql_filled(CAST(abs(v) AS VARCHAR), s + 1), -s) || '.'
                  || right(streamsql_filled(CAST(abs(v) AS VARCHAR), s + 1), s) END)[1]""",
    "streamsql_half_up(n, d)": """list_transform([{'n': n, 'd': d}], lambda w: (abs(w.n) // abs(w.d) +
        CASE WHEN abs(w.n) % abs(w.d) >= abs(w.d) - abs(w.n) % abs(w.d) THEN 1 ELSE 0 END)
        * CASE WHEN (w.n < 0) <> (w.d < 0) THEN -1 ELSE 1 END)[1]""",
    "streamsql_divide(a, b, more, s)": """streamsql_scaled(streamsql_half_up(
        streamsql_unscaled(a, greatest(more, 0)), streamsql_unscaled(b, greatest(-more, 0))), s)""",
    "streamsql_round_whole(q, drop, s, n)": """streamsql_scaled(
        streamsql_half_up(q, streamsql_power(drop)) * streamsql_power(greatest(-n, 0)), s)""",
    "streamsql_truncate_whole(q, drop, s, n)": """streamsql_scaled(
        q // streamsql_power(drop) * streamsql_power(greatest(-n, 0)), s)""",
    "streamsql_round_integer(x, n)": "streamsql_half_up(CAST(x AS HUGEINT), streamsql_power(n)) * streamsql_power(n)",
    "streamsql_truncate_integer(x, n)": "CAST(x AS HUGEINT) // streamsql_power(n) * streamsql_power(n)",
}

_DOUBLES = {
    # By their shortest text, as Java's BigDecimal.valueOf takes them.
    "streamsql_digits(x)": "streamsql_unscaled(CAST(CAST(x AS VARCHAR) AS DECIMAL(38, 20)), 0)",
    "streamsql_round_double(x, n)": """CASE WHEN NOT isfinite(x) OR abs(x) >= 1e15 THEN x ELSE CAST(
        streamsql_round_whole(streamsql_digits(x), 20 - least(n, 20), greatest(least(n, 20), 0), least(n, 20))
        AS DOUBLE) END""",
    "streamsql_truncate_double(x, n)": """CASE WHEN NOT isfinite(x) OR abs(x) >= 1e15 THEN x ELSE CAST(
        streamsql_truncate_whole(streamsql_digits(x), 20 - least(n, 20), greatest(least(n, 20), 0), least(n, 20))
        AS DOUBLE) END""",
    "streamsql_mantissa(t)": "left(t, 1) || '.' || CASE WHEN length(t) > 1 THEN substring(t, 2) ELSE '0' END",
    "streamsql_scientific(t)": f"""list_transform(
        [regexp_extract(t, '{_SHORTEST}', ['sign', 'whole', 'rest', 'shift'])],
        lambda f: f.sign || streamsql_mantissa(trim(f.whole || f.rest, '0')) || 'E' ||
        CAST(CAST(coalesce(nullif(f.shift, ''), '0') AS INTEGER) + length(f.whole) - 1
             - (length(f.whole || f.rest) - length(ltrim(f.whole || f.rest, '0'))) AS VARCHAR))[1]""",
    "streamsql_java_number(t, x)": """CASE WHEN isnan(x) THEN 'NaN'
        WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END
        WHEN x <> 0 AND (abs(x) < 0.001 OR abs(x) >= 10000000) THEN streamsql_scientific(t) ELSE t END""",
    # Integers that wrap, as Java's narrowing casts do.
    "streamsql_modulo(x, n)": "((x % n) + n) % n",
    "streamsql_wrap(x, half)": "streamsql_modulo(CAST(x AS HUGEINT) + half, 2 * half) - half",
    "streamsql_saturate(x, low, high)": """CASE WHEN isnan(x) THEN 0 WHEN x >= CAST(high AS DOUBLE) THEN high
        WHEN x <= CAST(low AS DOUBLE) THEN low ELSE CAST(trunc(x) AS HUGEINT) END""",
}

_TEXTS = {
    # Text to values, NULL where it is none.
    # DuckDB gives up on some texts with exponents.
    "streamsql_no_exponent(t, type)": """CASE WHEN contains(t, 'e') OR contains(t, 'E')
        THEN streamsql_wide_decimal(t, '0', type) ELSE t END""",
    "streamsql_any_integer(t)": f"TRY_CAST(regexp_extract(trim(t, ' '), '{_WHOLE}', 1) AS HUGEINT)",
    "streamsql_to_integer(t)": f"""coalesce(CASE WHEN regexp_full_match(t, '{_PLAIN_WHOLE}')
        THEN CAST(t AS HUGEINT) END, streamsql_any_integer(t))""",
    "streamsql_any_double(t)": f"""CASE WHEN regexp_matches(trim(t, ' '), '{_FLOATING}') THEN TRY_CAST(
        regexp_replace(regexp_replace(trim(t, ' '), '[fFdD]$', ''), '^([+-]?)NaN$', 'nan') AS DOUBLE) END""",
    "streamsql_to_double(t)": f"""coalesce(CASE WHEN regexp_full_match(t, '{_PLAIN_DOUBLE}') THEN TRY_CAST(t AS DOUBLE)
        END, streamsql_any_double(t))""",
    "streamsql_moment(y, mo, d, h, mi, s, us)": f"""CASE WHEN mo BETWEEN 1 AND 12 AND d BETWEEN 1 AND 31
        AND mi < 60 AND s < 60 AND (h < 24 OR (h = 24 AND mi = 0 AND s = 0 AND us = 0))
        THEN make_timestamp(epoch_us(make_date(y, mo, 1)) + (least(d, day(last_day(make_date(y, mo, 1)))) - 1) * {_DAY}
                            + ((h * 60 + mi) * 60 + s) * 1000000 + us) END""",
    "streamsql_any_timestamp(t)": _captured(
        _TIMESTAMP, "ymdhisf", "y", f"streamsql_moment({_DATE_FIELDS}, {_CLOCK_FIELDS})"
    ),
    "streamsql_to_timestamp(t)": f"""coalesce(CASE WHEN regexp_full_match(t, '{_PLAIN_TIMESTAMP}')
        THEN TRY_CAST(t AS TIMESTAMP) END, streamsql_any_timestamp(t))""",
    "streamsql_day(y, mo, d)": """CASE WHEN mo BETWEEN 1 AND 12 AND d BETWEEN 1 AND 31
        THEN CASE WHEN d <= day(last_day(make_date(y, mo, 1))) THEN make_date(y, mo, d) END END""",
    "streamsql_any_date(t)": _captured(_DATE, "ymd", "y", f"streamsql_day({_DATE_FIELDS})"),
    "streamsql_to_date(t)": f"""coalesce(CASE WHEN regexp_full_match(t, '{_PLAIN_DATE}') THEN TRY_CAST(t AS DATE) END,
        streamsql_any_date(t))""",
    "streamsql_clock(h, mi, s, us)": "CASE WHEN h < 24 THEN streamsql_moment(1970, 1, 1, h, mi, s, us) END",
    "streamsql_to_time(t)": f"CAST({_captured(_TIME, 'hisf', 'h', f'streamsql_clock({_CLOCK_FIELDS})')} AS TIME)",
}

_INTERVALS = {
    "streamsql_sign(n)": "CASE WHEN n < 0 THEN '-' ELSE '+' END",
    "streamsql_figures(n, width)": "lpad(CAST(n AS VARCHAR), width, '0')",
    "streamsql_months_text(m)": """streamsql_sign(m) || CAST(abs(m) // 12 AS VARCHAR) || '-'
        || streamsql_figures(abs(m) % 12, 2)""",
    "streamsql_clock_text(us)": """streamsql_figures(us // 3600000000 % 24, 2) || ':'
        || streamsql_figures(us // 60000000 % 60, 2) || ':' || streamsql_figures(us // 1000000 % 60, 2) || '.'
        || regexp_replace(streamsql_figures(us % 1000000, 6), '000$', '')""",
    "streamsql_interval_text(us)": f"""streamsql_sign(us) || CAST(abs(us) // {_DAY} AS VARCHAR) || ' '
        || streamsql_clock_text(abs(us))""",
}

_COLLECTIONS = {
    # Entries as a map; of equal keys the last one counts.
    "streamsql_keys(e)": "list_transform(e, lambda p: struct_extract_at(p, 1))",
    "streamsql_map(e)": """CASE WHEN len(list_distinct(streamsql_keys(e))) = len(e) THEN map_from_entries(e)
        ELSE map_from_entries(list_filter(e, lambda p, i: NOT list_contains(streamsql_keys(e[i + 1:]),
            struct_extract_at(p, 1)))) END""",
}

_TIMES = {
    # The clock's offset 3 hours earlier tells, where the clock shows a time twice, when it did so first.
    "streamsql_zone_offset(m, z)": "epoch_us(m AT TIME ZONE z) - epoch_us(m)",
    "streamsql_first_shown(l, m, z)": """make_timestamptz(
        epoch_us(l) - streamsql_zone_offset(make_timestamptz(epoch_us(m) - 10800000000), z))""",
    "streamsql_first_if_twice(l, m, first, z)": "CASE WHEN (first AT TIME ZONE z) = l THEN first ELSE m END",
    "streamsql_zoned(l, z)": """list_transform(list_transform([{'l': l, 'm': l AT TIME ZONE z}],
        lambda w: {'l': w.l, 'm': w.m, 'first': streamsql_first_shown(w.l, w.m, z)}),
        lambda w: streamsql_first_if_twice(w.l, w.m, w.first, z))[1]""",
    "streamsql_cut(us, size)": "us - streamsql_modulo(us, size)",
    "streamsql_time(us)": f"CAST(make_timestamp(streamsql_modulo(us, {_DAY})) AS TIME)",
    "streamsql_month_count(a, b)": "(year(b) * 12 + month(b)) - (year(a) * 12 + month(a))",
    "streamsql_months_up(a, b)": """streamsql_month_count(a, b)
        - CASE WHEN a + to_months(CAST(streamsql_month_count(a, b) AS INTEGER)) > b THEN 1 ELSE 0 END""",
    "streamsql_months_between(a, b)": """CASE WHEN a <= b THEN streamsql_months_up(a, b)
        ELSE -streamsql_months_up(b, a) END""",
}

_FLINK = {**_DECIMALS, **_DOUBLES, **_TEXTS, **_INTERVALS, **_TIMES, **_COLLECTIONS}
MACROS: dict[str, str] = {**_FLINK, **JSON_MACROS}
"""Signature -> expression, in an order in which each uses only earlier ones."""
