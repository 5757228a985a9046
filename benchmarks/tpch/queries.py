"""The 22 queries with their parameters: those that the standard validates, and those that find rows in little data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

Parameters = Mapping[str, str]

NUMBERS = range(1, 23)
STANDARD: dict[int, Parameters] = {
    1: {"days": "90"},
    2: {"size": "= 15", "type": "BRASS", "region": "EUROPE"},
    3: {"segment": "BUILDING", "date": "1995-03-15"},
    4: {"date": "1993-07-01"},
    5: {"region": "ASIA", "date": "1994-01-01"},
    6: {"date": "1994-01-01", "discount": "0.06", "quantity": "24"},
    7: {"nation1": "FRANCE", "nation2": "GERMANY"},
    8: {"nation": "BRAZIL", "region": "AMERICA", "type": "= 'ECONOMY ANODIZED STEEL'"},
    9: {"color": "green"},
    10: {"date": "1993-10-01"},
    11: {"nation": "GERMANY", "fraction": "0.0001"},
    12: {"mode1": "MAIL", "mode2": "SHIP", "date": "1994-01-01"},
    13: {"word1": "special", "word2": "requests"},
    14: {"date": "1995-09-01"},
    15: {"date": "1996-01-01"},
    16: {"brand": "Brand#45", "type": "MEDIUM POLISHED", "sizes": "49, 14, 23, 45, 19, 3, 36, 9"},
    17: {"brand": "= 'Brand#23'", "container": "= 'MED BOX'"},
    18: {"quantity": "300"},
    19: {
        "brand1": "= 'Brand#12'", "quantity1": "1",
        "brand2": "= 'Brand#23'", "quantity2": "10",
        "brand3": "= 'Brand#34'", "quantity3": "20",
    },
    20: {"color": "forest", "date": "1994-01-01", "nation": "= 'CANADA'"},
    21: {"nation": "= 'SAUDI ARABIA'"},
    22: {"codes": "'13', '31', '23', '29', '30', '18', '17'"},
}  # fmt: skip
"""Of each query. A comparison that little data needs wider is a parameter with its operator."""

FOR_LITTLE_DATA: dict[int, Parameters] = {
    **STANDARD,
    2: {"size": "<= 50", "type": "S", "region": "AFRICA"},
    5: {"region": "AMERICA", "date": "1994-01-01"},
    7: {"nation1": "ARGENTINA", "nation2": "MOZAMBIQUE"},
    8: {"nation": "MOZAMBIQUE", "region": "AMERICA", "type": "LIKE '%S%'"},
    9: {"color": "e"},
    11: {"nation": "MOZAMBIQUE", "fraction": "0.005"},
    17: {"brand": "<> 'Brand#23'", "container": "LIKE 'MED%'"},
    18: {"quantity": "200"},
    19: {
        "brand1": "<> 'Brand#12'", "quantity1": "10",
        "brand2": "<> 'Brand#23'", "quantity2": "20",
        "brand3": "<> 'Brand#34'", "quantity3": "30",
    },
    20: {"color": "", "date": "1994-01-01", "nation": "<> 'CANADA'"},
    21: {"nation": "<> 'SAUDI ARABIA'"},
}  # fmt: skip


OVER_NOTHING = frozenset({6, 14, 17, 19})
"""Queries whose one aggregate has no GROUP BY: over no rows it has no row here, and one in DuckDB."""


def statements(number: int, parameters: Parameters) -> list[str]:
    """The SQL of one query: the view that it needs, if any, and the query."""
    text = (Path(__file__).parent / "queries" / f"q{number:02}.sql").read_text()
    return [each.strip() for each in text.format_map(parameters).split(";")]


def duckdb_statements(number: int, parameters: Parameters) -> list[str]:
    """The same for DuckDB, whose averages and quotients are not exact but for MACROS."""
    *views, query = statements(number, parameters)
    query = query.replace("AVG(", "exact_average(")
    query = _QUOTIENT.sub(r"exact_quotient(\1, \2) AS", query)
    return [*views, f"{query} HAVING COUNT(*) > 0" if number in OVER_NOTHING else query]


_QUOTIENT = re.compile(r"((?:100\.00 \* )?\bSUM\([^/]*?)\s+/ (.+?) AS", re.DOTALL)
MACROS = (
    """CREATE MACRO rounded(dividend, divisor) AS CAST(
    (2 * abs(dividend) + abs(divisor)) // (2 * abs(divisor)) * sign(dividend) * sign(divisor) AS DECIMAL(30, 0)
    ) * CAST(0.000001 AS DECIMAL(7, 6))""",
    "CREATE MACRO exact_average(x) AS rounded(CAST(SUM(x) * 100 AS HUGEINT) * 10000, COUNT(x))",
    """CREATE MACRO exact_quotient(a, b) AS
    rounded(CAST(a * 10000 AS HUGEINT) * 1000000, CAST(b * 10000 AS HUGEINT))""",
)
"""DuckDB's averages and quotients of DECIMALs are DOUBLEs; these have six digits, rounded half up, as ours have."""
