"""Functions that other systems have: what to write instead."""

from __future__ import annotations

ELSEWHERE = {
    "CHARINDEX": "POSITION(part IN text)",
    "CONVERT": "CAST(value AS type)",
    "DATEADD": "TIMESTAMPADD(unit, count, time), or time + INTERVAL",
    "DATE_ADD": "time + INTERVAL '1' DAY",
    "DATE_SUB": "time - INTERVAL '1' DAY",
    "DECODE": "CASE value WHEN … THEN … END",
    "GETDATE": "CURRENT_TIMESTAMP",
    "GROUP_CONCAT": "LISTAGG(text, separator)",
    "IFF": "IF(condition, a, b), or CASE",
    "IIF": "IF(condition, a, b), or CASE",
    "ISNULL": "value IS NULL, or COALESCE(value, other)",
    "NVL": "COALESCE(value, other)",
    "NVL2": "CASE WHEN value IS NOT NULL THEN … ELSE … END",
    "SAFE_CAST": "TRY_CAST(value AS type)",
    "SAFE_DIVIDE": "a / NULLIF(b, 0)",
    "STRING_AGG": "LISTAGG(text, separator)",
    "STR_TO_DATE": "TO_TIMESTAMP(text, 'pattern')",
    "SYSDATE": "CURRENT_TIMESTAMP",
    "TO_CHAR": "DATE_FORMAT(time, 'pattern'), or CAST(value AS STRING)",
    "TO_NUMBER": "CAST(text AS DECIMAL(10, 2))",
}
"""By name, upper case; a name that is a function here is never looked up."""
