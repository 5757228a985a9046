"""A logical plan as one DuckDB query, and the proof that the stream's answer equals it."""
