"""The queries, with what is known of each: its text here and in DuckDB, and what Flink made of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent

FLINK_SETTING = (
    "Flink 2.3.0 on two cores of a shared machine, rows prepared on the heap before the clock starts, projection "
    "pushed down, object reuse on, no checkpoints; 5 million events, the better of parallelism 1 and 2, one run each, "
    "so that less than 1.5 times is noise. q10 from and to files with 1 million events. q6 is refused by Flink."
)
"""Where the figures of `Query.flink` come from."""

FLINK_ROWS_PER_SECOND: dict[str, float] = {
    "q0": 8_456e3,
    "q1": 3_127e3,
    "q2": 5_516e3,
    "q3": 585e3,
    "q4": 504e3,
    "q5": 869e3,
    "q7": 383e3,
    "q8": 444e3,
    "q9": 279e3,
    "q10": 252e3,
    "q11": 335e3,
    "q12": 1_806e3,
    "q13": 4_670e3,
    "q14": 3_962e3,
    "q15": 1_242e3,
    "q16": 250e3,
    "q17": 1_107e3,
    "q18": 926e3,
    "q19": 472e3,
    "q20": 596e3,
    "q21": 795e3,
    "q22": 1_591e3,
    "q23": 199e3,
}
"""Rows of the tables read, a second, under FLINK_SETTING."""

_READS = {
    "q3": ("auction", "person"),
    "q4": ("auction", "bid"),
    "q6": ("auction", "bid"),
    "q8": ("auction", "person"),
    "q9": ("auction", "bid"),
    "q13": ("bid", "side_input"),
    "q20": ("auction", "bid"),
    "q23": ("auction", "bid", "person"),
}

_DETERMINED = {
    "q9": ("id", "price", "bid_dateTime"),
    "q18": ("auction", "bidder", "dateTime"),
    "q19": ("auction", "price", "place"),
}
"""Columns that the query's text determines, where rows that are equal in its ORDER BY may differ in others."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query of the benchmark; `determined` None: all its columns."""

    name: str

    @property
    def sql(self) -> str:
        return (FOLDER / "queries" / f"{self.name}.sql").read_text()

    @property
    def duckdb(self) -> str:
        """The same in DuckDB, as one would write it there."""
        return (FOLDER / "duckdb" / f"{self.name}.sql").read_text()

    @property
    def reads(self) -> tuple[str, ...]:
        return _READS.get(self.name, ("bid",))

    @property
    def determined(self) -> tuple[str, ...] | None:
        return _DETERMINED.get(self.name)

    @property
    def flink(self) -> float | None:
        """Flink's rows a second, where it runs the query."""
        return FLINK_ROWS_PER_SECOND.get(self.name)


QUERIES: dict[str, Query] = {f"q{number}": Query(f"q{number}") for number in range(24)}


def chosen(names: str | None) -> list[Query]:
    """The queries of a list such as `q0,q5`; all without one.

    >>> [each.name for each in chosen("q5,q0")]
    ['q5', 'q0']
    """
    return list(QUERIES.values()) if names is None else [QUERIES[each.strip()] for each in names.split(",")]
