"""Nexmark: every query right, measured, and beside DuckDB and Flink."""
