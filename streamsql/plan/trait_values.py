"""The values that traits are made of."""

from __future__ import annotations

from streamsql.errors import Span
from streamsql.plan.logical import Attached, Cumulate, Hop, Session, TimeAttribute, Tumble, Window
from streamsql.record import record

Keys = tuple[frozenset[int], ...]

UNBOUNDED = "UNBOUNDED"
WINDOW_NAMES = {Tumble: "TUMBLE", Hop: "HOP", Cumulate: "CUMULATE", Session: "SESSION", Attached: "WINDOW"}


@record
class WindowColumns:
    """Ids of the columns that say which window a row belongs to; `time` None: window_time was not kept.

    `window` is what made them (never Attached). `closed`: each row comes when its window closes, because an aggregate
    or a rank lies below; else it comes with the row of the input. `partition`: of a SESSION that is not closed.
    """

    start: int
    end: int
    time: int | None
    window: Window
    attribute: TimeAttribute
    closed: bool
    partition: frozenset[int] = frozenset()


@record
class Updating:
    """The SQL clause (or table) that makes a result updating.

    `keeps_time`: a row is taken back with the very values it came with, its event time too, as a table does it; the
    new value of a group may come at another time than the old one.
    """

    clause: str
    span: Span | None
    keeps_time: bool = False


@record
class Traits:
    """Properties of a node's output, and of the node itself (`state_bound`, `can_fail`).

    `state_bound`: "watermark + 1 h", "number of keys (k)", "UNBOUNDED …"; None for a node without state.
    An empty set in `unique_keys`: there is at most one row.
    """

    updating_because: Updating | None = None
    unique_keys: Keys = ()
    window: WindowColumns | None = None
    state_bound: str | None = None
    can_fail: bool = False

    @property
    def append_only(self) -> bool:
        """Rows are never taken back."""
        return self.updating_because is None
