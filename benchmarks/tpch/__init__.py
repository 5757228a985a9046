"""TPC-H as streams: its tables, made by us, and its 22 queries, kept up to date while the tables change."""
