"""Which module of the function table holds a function: a query imports those whose functions it calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

from streamsql.expr.function import Function

_NAMES = {
    "logic": """
        =, <>, <, <=, >, >=, AND, OR, NOT, IS NULL, IS NOT NULL, IS TRUE, IS NOT TRUE, IS FALSE, IS NOT FALSE,
        IS UNKNOWN, IS NOT UNKNOWN, IS NOT DISTINCT FROM, IS DISTINCT FROM, IN, COALESCE, GREATEST, LEAST""",
    "arithmetic": "+, -, *, /, %, NEGATE, ABS, SIGN",
    "math": """
        FLOOR, CEIL, ROUND, TRUNCATE, POWER, SQRT, EXP, LN, LOG10, LOG2, LOG, LOG BASE, SIN, COS, TAN, COT,
        ASIN, ACOS, ATAN, ATAN2, SINH, COSH, TANH, DEGREES, RADIANS, PI, E""",
    "text": """
        ||, CONCAT, CONCAT_WS, UPPER, LOWER, TRIM, LTRIM, RTRIM, BTRIM, SUBSTRING, LEFT, RIGHT, CHAR_LENGTH,
        POSITION, LOCATE, INSTR, REPLACE, REPEAT, REVERSE, LPAD, RPAD, INITCAP, ASCII, CHR, OVERLAY,
        SPLIT_INDEX, SPLIT, STARTSWITH, ENDSWITH, TRANSLATE, IS_ALPHA, IS_DIGIT, IS_DECIMAL, CONVERT_TZ""",
    "printf": "PRINTF",
    "pattern": """
        LIKE, SIMILAR TO, REGEXP, REGEXP_EXTRACT, REGEXP_SUBSTR, REGEXP_REPLACE, REGEXP_COUNT, REGEXP_INSTR,
        REGEXP_EXTRACT_ALL""",
    "calendar": """
        EXTRACT, FLOOR TO, CEIL TO, + INTERVAL, - INTERVAL, - TIME, INTERVAL +, INTERVAL -, INTERVAL *,
        -INTERVAL, TIMESTAMPDIFF, TIMESTAMPADD""",
    "format": """
        DATE_FORMAT, TO_TIMESTAMP, TO_DATE, FROM_UNIXTIME, UNIX_TIMESTAMP, NOW, CURRENT_TIMESTAMP,
        CURRENT_ROW_TIMESTAMP, LOCALTIMESTAMP, CURRENT_DATE, CURRENT_TIME, LOCALTIME, PROCTIME, INGESTION_TIME""",
    "nested": "ARRAY, MAP, ROW, [], CARDINALITY, ELEMENT, MAP_KEYS, MAP_VALUES, ARRAY_CONTAINS",
    "collections": """
        ARRAY_SORT, ARRAY_DISTINCT, ARRAY_REVERSE, ARRAY_MAX, ARRAY_MIN, ARRAY_APPEND, ARRAY_PREPEND,
        ARRAY_REMOVE, ARRAY_POSITION, ARRAY_CONCAT, ARRAY_UNION, ARRAY_EXCEPT, ARRAY_INTERSECT, ARRAY_SLICE,
        ARRAY_JOIN, MAP_ENTRIES, MAP_FROM_ENTRIES, MAP_UNION, MAP_FROM_ARRAYS, STR_TO_MAP""",
    "json": """
        JSON_VALUE, JSON_QUERY, JSON_EXISTS, IS JSON, JSON_OBJECT, JSON_ARRAY, JSON, JSON_STRING, JSON_QUOTE,
        JSON_UNQUOTE""",
    "encoding": """
        BIN, HEX, UNHEX, ENCODE, DECODE, TO_BASE64, FROM_BASE64, URL_ENCODE, URL_DECODE, PARSE_URL, MD5, SHA1,
        SHA224, SHA256, SHA384, SHA512, SHA2""",
    "random": "RAND, RAND_INTEGER, UUID",
    "ltz": "TO_TIMESTAMP_LTZ, TO_TIMESTAMP_LTZ TEXT",
    "sketch": "HLL_CODE, SIGNIFICANT",
    "plan": "$ZIPPED, $COPIES, $SINGLE",
    "interval": "EXTRACT INTERVAL",
    "watermark": "CURRENT_WATERMARK",
}
"""By the end of the module's name; its ENTRIES are of these names."""
_FAMILIES = {name.strip(): family for family, names in _NAMES.items() for name in names.split(",")}


class FunctionTable(Mapping[str, Function]):
    """Every function and operator by its upper-case name; what is behind a name is imported when it is asked for."""

    def __getitem__(self, name: str) -> Function:
        return _entries(_FAMILIES[name])[name]

    def __contains__(self, name: object) -> bool:
        return name in _FAMILIES

    def __iter__(self) -> Iterator[str]:
        return iter(_FAMILIES)

    def __len__(self) -> int:
        return len(_FAMILIES)


@cache
def _entries(family: str) -> dict[str, Function]:
    entries: tuple[Function, ...] = import_module(f"streamsql.expr.functions_{family}").ENTRIES
    return {each.name: each for each in entries}
