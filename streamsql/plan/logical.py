"""The logical plan: frozen nodes that say what is computed, each with the fields it delivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum

from streamsql.errors import Span
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.nodes import Expr, Literal
from streamsql.expr.types import Column, Schema, SqlType
from streamsql.expr.windows import Attached as Attached
from streamsql.expr.windows import Cumulate as Cumulate
from streamsql.expr.windows import Frame as Frame
from streamsql.expr.windows import Hop as Hop
from streamsql.expr.windows import Session as Session
from streamsql.expr.windows import SortKey as SortKey
from streamsql.expr.windows import Tumble as Tumble
from streamsql.expr.windows import Window as Window
from streamsql.ports import TableData
from streamsql.record import record
from streamsql.time import Duration


class TimeAttribute(Enum):
    """What a time column may drive: windows and watermarks, or the clock."""

    EVENT = "event time"
    PROCESSING = "processing time"


@record
class Field:
    """A column that a node delivers; the id is unique within a plan and survives as long as the value does."""

    id: int
    name: str
    type: SqlType
    time: TimeAttribute | None = None


@record
class WatermarkSpec:
    """`WATERMARK FOR column AS expr`; ids are those of the scan's fields."""

    column: int
    expr: Expr


@record
class Table:
    """A catalog table. Expressions in it use the ordinal of a column in `columns` as its id.

    `columns`: all visible columns in declared order; `computed` those that are expressions over others (in an order in
    which each uses only earlier ones or physical columns); the rest is physical and comes from the connector.
    `connector` None: an in-memory table. `updating`: its rows may be taken back; `by_key`: a row replaces or
    removes the one with its primary key, so that what it takes back has to be looked up. `data`: an object of the
    program that holds the rows. `unique_keys`: sets of columns that no two rows share. `lookup_cache`: its rows can be
    looked up, and this is kept of them where its options do not say. `materialized`: it is a materialised view, whose
    query `reads` other tables and views. `ended`: the table in memory is read as versions, none of which is taken back;
    this column, its last one, says of a row that from its time on its key has none.
    """

    name: str
    columns: tuple[Column, ...]
    computed: tuple[tuple[int, Expr], ...] = ()
    metadata: tuple[tuple[int, str], ...] = ()
    watermark: WatermarkSpec | None = None
    primary_key: tuple[str, ...] = ()
    partition_keys: tuple[str, ...] = ()
    connector: str | None = None
    options: Mapping[str, str] = field(default_factory=dict, hash=False)
    inferred: bool = False
    updating: bool = False
    by_key: bool = False
    data: TableData | None = field(default=None, repr=False)
    unique_keys: tuple[tuple[str, ...], ...] = ()
    lookup_cache: str | None = None
    materialized: bool = False
    reads: frozenset[str] = frozenset()
    ended: str | None = None

    def physical(self) -> Schema:
        """The columns that the connector reads or writes."""
        computed = {index for index, _ in self.computed}
        return Schema(tuple(each for index, each in enumerate(self.columns) if index not in computed))


@record(kw_only=True)
class Plan:
    """A node of the plan; `fields` are its output columns."""

    fields: tuple[Field, ...]
    span: Span | None = field(default=None, compare=False, repr=False)

    @property
    def inputs(self) -> tuple[Plan, ...]:
        return ()


@record(kw_only=True)
class UnaryPlan(Plan):
    input: Plan

    @property
    def inputs(self) -> tuple[Plan, ...]:
        return (self.input,)


@record(kw_only=True)
class Scan(Plan):
    """Read a table: physical columns from the connector, computed ones made of them, watermark on top.

    `physical`: what is asked of the connector, by its column names. `computed`: in evaluation order.
    `fields`: what is delivered (some of physical and computed). `watermark` None: no one uses the table's time.
    `predicate`: pushed into the reader; only over physical fields, only when `watermark` is None.
    `time_used` False: the watermark only orders rows against those of other sources, so a NULL event time is no reject.
    `state_ttl`: how long the last row of a key is kept, where the table's changes go by key. `checked`: what is taken
    back must have been there, and no one else would notice.
    """

    table: Table
    physical: tuple[Field, ...]
    computed: tuple[tuple[Field, Expr], ...] = ()
    watermark: WatermarkSpec | None = None
    predicate: Expr | None = None
    time_used: bool = True
    state_ttl: Duration | None = None
    checked: bool = False


@record(kw_only=True)
class Values(Plan):
    rows: tuple[tuple[Literal, ...], ...]


@record(kw_only=True)
class Filter(UnaryPlan):
    """The rows for which `predicate` is TRUE. `fields`: the input's; after pruning those of them that someone reads."""

    predicate: Expr


@record(kw_only=True)
class Project(UnaryPlan):
    """`exprs` run parallel to `fields`; a bare ColumnRef keeps its id."""

    exprs: tuple[Expr, ...]


GROUPING = "$grouping"
"""The column that tells the grouping sets of a GROUP BY apart: an Unnest of their numbers repeats the rows for each."""


@record(kw_only=True)
class Unnest(UnaryPlan):
    """Each input row joined with the elements of an array, map or multiset.

    `fields` = input fields + `elements` (+ `ordinality`); after pruning those of them that someone reads. A map gives
    key and value, an array of ROW one column a field (a NULL ROW element gives no row). `outer`: a row without elements
    is kept once, padded with NULL.
    """

    expr: Expr
    elements: tuple[Field, ...]
    ordinality: Field | None = None
    outer: bool = False


@record(kw_only=True)
class Union(Plan):
    """UNION ALL; each input's fields correspond to `fields` by position and have the same types.

    `view`: the view that it is, under whose name late rows are kept.
    """

    branches: tuple[Plan, ...]
    view: str | None = field(default=None, compare=False, repr=False)

    @property
    def inputs(self) -> tuple[Plan, ...]:
        return self.branches


class JoinKind(Enum):
    """Which rows a join delivers: pairs, pairs and rows without partner, or left rows with (or without) partner."""

    INNER = "INNER JOIN"
    LEFT = "LEFT JOIN"
    RIGHT = "RIGHT JOIN"
    FULL = "FULL JOIN"
    SEMI = "SEMI JOIN"
    ANTI = "ANTI JOIN"

    @property
    def keeps_left(self) -> bool:
        """Left rows without partner are delivered, padded with NULL."""
        return self in (JoinKind.LEFT, JoinKind.FULL)

    @property
    def keeps_right(self) -> bool:
        """Right rows without partner are delivered, padded with NULL."""
        return self in (JoinKind.RIGHT, JoinKind.FULL)

    @property
    def pairs(self) -> bool:
        """A row of the result is made of a left and a right row."""
        return self not in (JoinKind.SEMI, JoinKind.ANTI)


@record
class JoinKey:
    """A left and a right column, of one type, that must be equal; `null_safe`: IS NOT DISTINCT FROM."""

    left: int
    right: int
    null_safe: bool = False


@record(kw_only=True)
class Join(Plan):
    """Rows of two updating inputs that match: all `on` columns are equal and `residual` is TRUE of the pair.

    `fields` = left fields + right fields, those of the side that may be padded nullable (SEMI, ANTI: left fields);
    after pruning those of them that someone reads. None is a time attribute. The binder puts the whole condition into
    `residual`, and rules take `on` out of it. NOT IN is ANTI with `(x = y) IS NOT FALSE`. `clause`: what the SQL says,
    where that is no JOIN, for messages. `state_ttl`: how long a row of the left and of the right input is kept.

    A `state_ttl` None is not settled yet, or for ever; 0 is for ever, whatever the session's setting.
    """

    left: Plan
    right: Plan
    kind: JoinKind
    on: tuple[JoinKey, ...] = ()
    residual: Expr | None = None
    state_ttl: tuple[Duration | None, Duration | None] = (None, None)
    clause: str = field(default="", compare=False, repr=False)

    @property
    def inputs(self) -> tuple[Plan, ...]:
        return (self.left, self.right)


def joined_fields(kind: JoinKind, left: Plan, right: Plan) -> tuple[Field, ...]:
    """What a join of two plans delivers."""
    mine = (_joined(each, nullable=kind.keeps_right) for each in left.fields)
    other = (_joined(each, nullable=kind.keeps_left) for each in right.fields)
    return (*mine, *other) if kind.pairs else tuple(mine)


def _joined(field: Field, *, nullable: bool) -> Field:
    return Field(field.id, field.name, field.type.with_nullable(field.type.nullable or nullable))


@record(kw_only=True)
class WindowAssign(UnaryPlan):
    """A window TVF without its aggregate: each row once per window, with window_start, window_end and window_time.

    `fields` = input fields + the three `bounds`. `partition` (ids) is for SESSION only.
    """

    window: Window
    time: Field
    bounds: tuple[Field, Field, Field]
    partition: tuple[int, ...] = ()


@record(kw_only=True)
class Aggregate(UnaryPlan):
    """Updating GROUP BY; `keys` are ids of input columns (none: a global aggregate). DISTINCT is one without calls.

    `fields` = the keys (their ids kept) + one field per call. `clause`: what the SQL says, for messages. `state_ttl`:
    how long a group is kept after its last row, as in Join.
    """

    keys: tuple[int, ...]
    calls: tuple[AggregateCall, ...]
    state_ttl: Duration | None = None
    clause: str = field(default="GROUP BY", compare=False, repr=False)


@record(kw_only=True)
class WindowAggregate(UnaryPlan):
    """GROUP BY window, keys: append-only, one row per window and key when the watermark closes the window.

    `fields` = keys + calls + the three `bounds`. `time`: the input's time attribute (window_time for Attached).
    """

    window: Window
    time: Field
    keys: tuple[int, ...]
    calls: tuple[AggregateCall, ...]
    bounds: tuple[Field, Field, Field]


@record(kw_only=True)
class RankOver(UnaryPlan):
    """`function` (ROW_NUMBER) OVER (PARTITION BY … ORDER BY …) of every row, as `rank`, the last of `fields`.

    It runs only where a rule turns it into a bounded rank: with a condition on `rank` above it.
    """

    function: str
    partition: tuple[int, ...]
    order: tuple[SortKey, ...]
    rank: Field


@record(kw_only=True)
class WindowRank(UnaryPlan):
    """ROW_NUMBER within a window and partition, cut to ranks `first..last`; emitted when the window closes.

    Ties keep arrival order. `rank` is the last of `fields` where the query asks for it. Covers window Top-N and
    window deduplication (ORDER BY time, last = 1: of equal times, ascending keeps the earlier arrival, descending the
    later).
    """

    window: Attached
    time: Field
    partition: tuple[int, ...]
    order: tuple[SortKey, ...]
    first: int
    last: int
    rank: Field | None = None


@record(kw_only=True)
class Rank(UnaryPlan):
    """ROW_NUMBER, RANK or DENSE_RANK within a partition, cut to ranks `first..last`: Top-N, deduplication, live LIMIT.

    Equal rows keep arrival order, or the order of their other columns where the input is updating; a sort key that is
    processing time stands for arrival. `rank` is the last of `fields` where the query asks for it. `clause`: what the
    SQL says, for messages. `state_ttl`: how long a partition is kept after it last changed.
    """

    function: str
    partition: tuple[int, ...]
    order: tuple[SortKey, ...]
    first: int
    last: int
    rank: Field | None = None
    state_ttl: Duration | None = None
    clause: str = field(default="ROW_NUMBER", compare=False, repr=False)


@record(kw_only=True)
class OverAggregate(UnaryPlan):
    """The calls of one OVER window, computed for every row over the rows of its frame.

    `fields` = input fields + one field per call; `partition` are ids. Besides aggregates there are functions that go by
    the row's place in its partition (ROW_NUMBER, LAG …), whatever the frame. `state_ttl`: as for Rank.
    """

    partition: tuple[int, ...]
    order: tuple[SortKey, ...]
    frame: Frame
    calls: tuple[AggregateCall, ...]
    state_ttl: Duration | None = None


@record(kw_only=True)
class Sort(UnaryPlan):
    """ORDER BY over a bounded result, stable."""

    keys: tuple[SortKey, ...]


@record(kw_only=True)
class Limit(UnaryPlan):
    """`limit` None: no bound, only an offset. Over a Sort: of the sorted rows; else of the first arrivals."""

    limit: int | None
    offset: int = 0


@record(kw_only=True)
class SinkPlan(UnaryPlan):
    """INSERT INTO: the input's fields correspond to the table's physical columns by position. `overwrite`: in place of
    the rows that are there."""

    table: Table
    overwrite: bool = False
