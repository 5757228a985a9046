"""What windows and orderings a query asks for: plain values that plans and operators share."""

from __future__ import annotations

from enum import Enum

from streamsql.record import record
from streamsql.time import Duration


@record
class Tumble:
    """Windows side by side, beginning at `offset + n * size`."""

    size: Duration
    offset: Duration = 0


@record
class Hop:
    """A window of `size` begins every `slide`; the two need not divide evenly, and slide may exceed size."""

    slide: Duration
    size: Duration
    offset: Duration = 0


@record
class Cumulate:
    """Windows of one start that grow by `step` up to `size` (the last may be shorter where they do not divide)."""

    step: Duration
    size: Duration
    offset: Duration = 0


@record
class Session:
    """Rows of a key that follow each other within `gap`; a distance of exactly `gap` still belongs together."""

    gap: Duration


@record
class Attached:
    """The window columns are there already: rows of one (start, end) form the window, which closes with `end`.

    Holds the ids of the input's start and end columns in a plan, their positions in an operator.
    """

    start: int
    end: int


Window = Tumble | Hop | Cumulate | Session | Attached


@record
class SortKey:
    """A column to order by: an id in a plan, a position in an operator."""

    column: int
    ascending: bool = True
    nulls_first: bool = True


class Without(Enum):
    """What EXCLUDE takes out of a frame: the current row, its peers too, or its peers alone."""

    CURRENT_ROW = "CURRENT ROW"
    GROUP = "GROUP"
    TIES = "TIES"


@record
class Frame:
    """The rows that OVER looks at, from `start` to `end`: None is the partition's own edge, 0 the current row.

    Other numbers are a distance, negative before the current row: in rows, or, not `by_rows`, in the sort key's values
    (µs for times), or, `by_groups`, in groups of peers. But for `by_rows`, peers, which are equal in what they are
    ordered by, belong together.
    """

    by_rows: bool
    start: int | None
    end: int | None
    by_groups: bool = False
    without: Without | None = None

    @property
    def unit(self) -> str:
        """ROWS, RANGE or GROUPS."""
        return "ROWS" if self.by_rows else "GROUPS" if self.by_groups else "RANGE"

    @property
    def measured(self) -> bool:
        """Whether a bound is a distance in values."""
        return self.unit == "RANGE" and bool(self.start or self.end)


UP_TO_CURRENT = Frame(False, None, 0)
"""RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW."""
