"""The dialect's words: which are reserved, and lists that more than one rule of the grammar needs."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A reserved word is a name only in quotes. All other keywords are names wherever the grammar leaves no doubt.
RESERVED = _words(
    """
    ALL AND ANY ARRAY AS BETWEEN BY CASE CAST CREATE CROSS CUBE DELETE DISTINCT DROP ELSE END EXCEPT EXISTS FALSE FETCH
    FOR FROM FULL GROUP GROUPING HAVING IN INNER INSERT INTERSECT INTERVAL INTO IS JOIN LATERAL LEFT LIKE LIMIT MAP
    MATCH_RECOGNIZE MULTISET NATURAL NOT NULL OFFSET ON OR ORDER OUTER OVER PARTITION QUALIFY RIGHT ROLLUP ROW SELECT
    SET SIMILAR SOME TABLE THEN TO TRUE TRY_CAST UNION UNNEST UPDATE USING VALUES WHEN WHERE WINDOW WITH
    """
)

# Reserved words that shape a query so plainly that they were hardly meant as names.
STRUCTURAL = _words(
    """
    AND AS BETWEEN BY ELSE END EXCEPT FOR FROM HAVING IN INTERSECT INTO IS JOIN LIKE LIMIT NOT ON OR THEN UNION USING
    VALUES WHEN WHERE ) ;
    """
)

# Reserved words that are also names of functions: LEFT('abc', 1).
CALLABLE = frozenset({"ANY", "LEFT", "RIGHT", "ROW", "GROUPING", "SOME"})

# Functions that are written without parentheses.
BARE_FUNCTIONS = _words(
    """
    CURRENT_CATALOG CURRENT_DATABASE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER LOCALTIME LOCALTIMESTAMP
    """
)

TIME_UNITS = _words(
    """
    MILLENNIUM CENTURY DECADE YEAR QUARTER MONTH WEEK DAY DOW ISODOW DOY ISOYEAR HOUR MINUTE SECOND MILLISECOND
    MICROSECOND NANOSECOND EPOCH
    """
)
INTERVAL_UNITS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")

QUERY_STARTS = frozenset({"SELECT", "FROM", "WITH", "VALUES", "TABLE"})

CLAUSES = (
    "FROM", "WHERE", "GROUP BY", "HAVING", "WINDOW", "QUALIFY", "ORDER BY", "LIMIT", "OFFSET", "FETCH FIRST", "EMIT",
    "UNION", "INTERSECT", "EXCEPT", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", "INNER JOIN",
    "ON", "USING", "AS", "AND", "OR", "LIKE", "BETWEEN", "PARTITION BY", "MATCH_RECOGNIZE",
)  # fmt: skip
