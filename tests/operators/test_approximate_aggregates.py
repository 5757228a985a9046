"""Approximate aggregates stay within what the documentation says, and both engines give the same."""

from __future__ import annotations

from streamsql.session import connect

TABLE = (
    "CREATE TABLE t (v INT) WITH ('connector' = 'datagen', 'number-of-rows' = '30000', 'fields.v.kind' = 'sequence', "
    "'fields.v.start' = '1', 'fields.v.end' = '30000')"
)
CALLS = "APPROX_COUNT_DISTINCT(v) AS n, APPROX_QUANTILE(v, ARRAY[0.1, 0.5, 0.9]) AS q"


def test_many_values() -> None:
    query = connect(settings={"streamsql.batch-size": "10000"}).sql(f"{TABLE}; SELECT {CALLS} FROM t")
    assert query is not None
    (row,) = query.to_arrow().to_pylist()
    assert abs(row["n"] - 30_000) < 3 * 0.016 * 30_000
    for found, exact in zip(row["q"], (3_000, 15_000, 27_000), strict=True):
        assert abs(found - exact) <= 0.004 * exact
    assert query.compare().unexplained.rows == 0
