"""JSON as Flink reads and writes it, as DuckDB macros: strict syntax, exact numbers, keys in order.

DuckDB's parser takes `NaN` and trailing commas and reads fractions as DOUBLE. So documents are checked besides, and
where a fraction matters every one becomes a text with a mark before it, which is taken off afterwards.
"""

from __future__ import annotations

_TEXT = r'"(?:[^"\\]|\\.)*"'
_FRACTION = r"-?[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)"
_NOT_STRICT = r"(?i)nan|inf|,\s*[}\]]"
_NUMBER = r"^(-?)([0-9]+)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$"
MARK = r"\u0001\u0002"
"""Before a number that was made a text, as JSON writes it; no document may hold these characters unescaped."""
_MARK_SQL = "chr(1) || chr(2)"

JSON_MACROS = {
    "streamsql_is_json(t)": f"""CASE WHEN regexp_matches(t, '{_NOT_STRICT}')
        THEN json_valid(t) AND NOT regexp_matches(regexp_replace(t, '{_TEXT}', '""', 'g'), '{_NOT_STRICT}')
        ELSE json_valid(t) END""",
    "streamsql_json(t)": "CASE WHEN streamsql_is_json(t) THEN t END",
    "streamsql_json_marked(t)": f"""CASE WHEN NOT regexp_matches(t, '[0-9][.eE]') THEN t ELSE replace(replace(replace(
        regexp_replace(t, '({_TEXT})|({_FRACTION})', '\\1' || chr(1) || '\\2' || chr(2), 'g'),
        chr(1) || chr(2), ''), chr(1), '"{MARK}'), chr(2), '"') END""",
    "streamsql_json_unmarked(t)": r"""regexp_replace(t, '"\\u0001\\u0002([^"]*)"', '\1', 'g')""",
    # A number as Java's BigDecimal writes it: 1e20 as 1E+20, 1.50 as 1.50.
    "streamsql_plain_number(f)": """f.sign || CASE WHEN f.scale <= 0 THEN f.digits
        ELSE left(streamsql_filled(f.digits, f.scale + 1), -f.scale) || '.'
             || right(streamsql_filled(f.digits, f.scale + 1), f.scale) END""",
    "streamsql_scientific_number(f)": """f.sign || left(f.digits, 1)
        || CASE WHEN length(f.digits) > 1 THEN '.' || substring(f.digits, 2) ELSE '' END
        || 'E' || CASE WHEN f.shift < 0 THEN '' ELSE '+' END || CAST(f.shift AS VARCHAR)""",
    "streamsql_json_number(t)": f"""list_transform(list_transform(
        [regexp_extract(t, '{_NUMBER}', ['sign', 'whole', 'part', 'shift'])],
        lambda f: {{'sign': f.sign, 'digits': coalesce(nullif(ltrim(f.whole || f.part, '0'), ''), '0'),
            'scale': CAST(length(f.part) - CAST(coalesce(nullif(f.shift, ''), '0') AS INTEGER) AS INTEGER)}}),
        lambda f: CASE WHEN f.scale >= 0 AND length(f.digits) - 1 - f.scale >= -6
            THEN streamsql_plain_number(f) ELSE streamsql_scientific_number({{'sign': f.sign, 'digits': f.digits,
                'shift': length(f.digits) - 1 - f.scale}}) END)[1]""",
    "streamsql_json_text(t)": f"""CASE WHEN starts_with(t, {_MARK_SQL})
        THEN streamsql_json_number(substring(t, 3)) ELSE t END""",
    # The value at a path: its text where it is a scalar, its JSON.
    "streamsql_json_scalar(t, path)": """CASE WHEN json_type(t, path) = 'DOUBLE'
        THEN streamsql_json_text(json_extract_string(streamsql_json_marked(t), path))
        ELSE json_extract_string(t, path) END""",
    "streamsql_json_written(j)": "streamsql_json_unmarked(CAST(json_normalize(j) AS VARCHAR))",
    "streamsql_json_at(t, path)": "streamsql_json_written(json_extract(streamsql_json_marked(t), path))",
    "streamsql_json_list(t, path)": """'[' || coalesce(array_to_string(list_transform(
        json_extract(streamsql_json_marked(t), path), lambda e: streamsql_json_written(e)), ','), '') || ']'""",
    "streamsql_json_elements(t)": """list_transform(json_extract(streamsql_json_marked(t), '$[*]'), lambda e:
        CASE WHEN json_type(e) = 'NULL' THEN NULL
             WHEN json_type(e) IN ('OBJECT', 'ARRAY') THEN streamsql_json_written(e)
             ELSE streamsql_json_text(json_extract_string(e, '$')) END)""",
    "streamsql_json_escape(c)": r"""CASE WHEN c = '"' THEN '\"' WHEN c = '\' THEN '\\' WHEN c = '/' THEN '\/'
        WHEN c = chr(8) THEN '\b' WHEN c = chr(12) THEN '\f' WHEN c = chr(10) THEN '\n' WHEN c = chr(13) THEN '\r'
        WHEN c = chr(9) THEN '\t' WHEN unicode(c) < 128 THEN c
        WHEN unicode(c) < 65536 THEN '\u' || lpad(lower(to_hex(unicode(c))), 4, '0')
        ELSE '\u' || lower(to_hex(55296 + ((unicode(c) - 65536) >> 10)))
             || '\u' || lower(to_hex(56320 + ((unicode(c) - 65536) & 1023))) END""",
    "streamsql_json_quote(t)": r"""'"' || CASE WHEN regexp_full_match(t, '[ !#-.0-\[\]-~]*') THEN t
        ELSE array_to_string(list_transform(string_split(t, ''), lambda c: streamsql_json_escape(c)), '') END || '"'""",
    "streamsql_json_unquote(t)": """CASE WHEN starts_with(t, '"') AND streamsql_is_json(t)
        THEN json_extract_string(t, '$') ELSE t END""",
}
"""Signature -> expression, in an order in which each uses only earlier ones."""
