"""Random changes of both inputs of an ASOF join: after every step it is what DuckDB computes of the tables as they are.

Which of several right rows with equal values DuckDB takes is chance, so what is compared is the value alone. Its ASOF
RIGHT and FULL joins lose right rows whose key no left row has; what they should give is asked of it in other words.
"""

from __future__ import annotations

import pytest

from tests.property.test_join_property import check

KEYS = {
    "a.k = b.k": ("k",),
    "a.k IS NOT DISTINCT FROM b.k": ("k",),
    "a.k = b.k AND a.g = b.g": ("k", "g"),
    "": (),
}
SEEDS = (0, 3, 5, 6)
"""Both types of key, and rows taken back on both sides, one or none."""
OPERATORS = (">=", ">", "<=", "<")
FOUND = "SELECT a.k AS k, a.g AS g, a.v AS v, b.k AS bk, b.w AS w"
WITHOUT_KEY = "SELECT a.k AS k, a.g AS g, a.v AS v, b.w AS w"


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("key", KEYS)
def test_nearest_value(key: str, operator: str) -> None:
    on = " AND ".join(filter(None, (key, f"a.v {operator} b.w")))
    for number, seed in enumerate(SEEDS):
        kind = ("JOIN", "LEFT JOIN")[number % 2]
        check(f"{FOUND if key else WITHOUT_KEY} FROM a ASOF {kind} b ON {on}", seed)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("key", [each for each in KEYS if each])
def test_right_rows_that_no_one_has_found(key: str, operator: str) -> None:
    on = f"{key} AND a.v {operator} b.w"
    for number, seed in enumerate(SEEDS):
        kind = ("RIGHT JOIN", "FULL JOIN")[number % 2]
        check(f"{FOUND} FROM a ASOF {kind} b ON {on}", seed, in_other_words(kind, on, KEYS[key]))


def in_other_words(kind: str, on: str, keys: tuple[str, ...]) -> str:
    """Of right rows that are equal by keys and value, the first is found; all others are there without partner."""
    equal = " AND ".join(f"n.{each} IS NOT DISTINCT FROM m.b{each}" for each in keys)
    columns = "".join(f", b.{each} AS b{each}" for each in keys)
    how = "LEFT JOIN" if kind == "FULL JOIN" else "JOIN"
    return f"""
        WITH n AS (SELECT *, row_number() OVER (PARTITION BY {", ".join(keys)}, w) AS copy FROM b),
        m AS (SELECT a.k AS k, a.g AS g, a.v AS v, b.w AS w{columns}
              FROM a ASOF {how} (SELECT * FROM n WHERE copy = 1) AS b ON {on})
        SELECT k, g, v, bk, w FROM m
        UNION ALL SELECT NULL, NULL, NULL, n.k, n.w FROM n
        WHERE copy > 1 OR NOT EXISTS (SELECT 1 FROM m WHERE m.w = n.w AND {equal})"""


@pytest.mark.parametrize("operator", OPERATORS)
def test_nearest_value_of_pairs_that_pass(operator: str) -> None:
    for number, seed in enumerate(SEEDS):
        kind = ("JOIN", "LEFT JOIN")[number % 2]
        check(f"{FOUND} FROM a ASOF {kind} b ON a.v {operator} b.w AND a.k = b.k AND a.g + b.g <> 2", seed)
