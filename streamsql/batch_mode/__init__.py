"""The same plan as one DuckDB query, and the comparison of both."""
