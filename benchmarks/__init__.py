"""Benchmarks: streamsql beside DuckDB on the same data in the same run. `python -m benchmarks` prints all tables."""
