"""A materialised view: a job over live tables that is caught up after every write and before every read."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from streamsql.batch import Batch
from streamsql.declared_at import DeclaredAt
from streamsql.errors import DataError, StreamSqlError
from streamsql.expr.types import Column, Schema
from streamsql.memory_source import MemorySource
from streamsql.plan.logical import Plan
from streamsql.plan.state_ttl import state_expires
from streamsql.plan.traits import event_time, traits
from streamsql.ports import RowKinds
from streamsql.runtime.changelog import Key, consolidate
from streamsql.runtime.job import Job
from streamsql.runtime.output import Output, RawOutput
from streamsql.runtime.replaced_rows import ReplacedRows
from streamsql.view_rows import ViewFollower, ViewRows

MakeJob = Callable[[Plan, Output], tuple[Plan, Job]]
"""The optimised plan and its job, over the tables as they are now."""


class _Round(RawOutput):
    """An output that keeps what changed since it was last asked."""

    def __init__(self) -> None:
        self.changes: list[Batch] = []

    def open(self, schema: Schema, key: Key | None) -> None:
        """Part of the output protocol: nothing to prepare."""

    def publish(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        """Part of the output protocol: changes come as they are."""

    def take_changes(self, changed: Batch) -> None:
        self.changes.append(changed)

    def end(self) -> None:
        """Part of the output protocol: what came can still be taken."""

    def abort(self) -> None:
        self.changes = []

    def take(self) -> Batch | None:
        """The net changes; None where there are none."""
        changes, self.changes = self.changes, []
        net = consolidate(changes) if changes else None
        return net if net is not None and len(net) else None


class MaterializedView:
    """The rows of a bound plan, kept as they are. Only `MaterializedViews` refreshes it, in one thread at a time.

    `name` None: what a live query keeps for itself; its errors are those of the query. `columns`: the names of its
    columns. `time`: the place of the one that is event time, whose watermarks are kept beside the rows. `left_out`:
    told of the job when it may have left rows out. `unique_keys`: sets of columns that no two rows share. Raises the
    error of the plan where its first rows cannot be computed.
    """

    def __init__(
        self,
        name: str | None,
        plan: Plan,
        columns: tuple[str, ...],
        make_job: MakeJob,
        left_out: Callable[[Job], None],
        at: DeclaredAt | None = None,
    ) -> None:
        self.name = name
        self.unique_keys: tuple[tuple[str, ...], ...] = ()
        self.time: int | None = None
        self.error: Exception | None = None
        self._plan = plan
        self._make_job = make_job
        self._left_out = left_out
        self._at = at
        types = (each.type for each in plan.fields)
        self.rows = ViewRows(Schema(tuple(map(Column, columns, types))))
        self._round = _Round()
        self._replaced: ReplacedRows | None = None
        self._job = self._start()
        self._put()

    @property
    def schema(self) -> Schema:
        return self.rows.schema

    @property
    def updating(self) -> bool:
        """Whether rows may be taken back."""
        return self.rows.updating

    def source(self) -> MemorySource:
        """The rows as of the last refresh; the error that stopped the view, if there was one."""
        self._check()
        return self.rows.snapshot()

    def follow(self, *, at_once: bool = False) -> ViewFollower:
        """The rows as of the last refresh, then what each refresh changes."""
        self._check()
        return self.rows.follow(at_once=at_once)

    def refresh(self) -> None:
        """Take in what has come; an error is kept for who reads the view."""
        if self.error is not None or not self._job.has_news:
            return
        try:
            if self._outdated():
                self._start_again()
            else:
                self._job.catch_up()
            if self._job.late.total or self._job.rejects.total:
                self._tell_left_out()
        except BaseException as error:  # an interrupt, too, leaves the job where it cannot go on
            self._fail(error)
            if not isinstance(error, Exception):
                raise
            return
        self._put()

    def close(self) -> None:
        """Release the view's sources, and let its followers end."""
        self._job.close()
        self.rows.end()

    def _put(self) -> None:
        changed = self._round.take()
        if changed is not None and self._replaced is not None:
            changed = self._replaced.exact(changed)
        self.rows.put(changed, self._round.watermark)
        if self._job.finished:
            self.rows.end()

    def _start(self) -> Job:
        plan, job = self._make_job(self._plan, self._round)
        self._job = job
        job.catch_up()
        self._tell_left_out()
        known = traits(plan)
        names = dict(zip((each.id for each in plan.fields), self.schema.names, strict=True))
        keys = [key for key in known.unique_keys if key <= names.keys()]
        self.unique_keys = tuple(tuple(sorted(names[each] for each in key)) for key in keys)
        if keys and self._replaced is None and state_expires(plan):
            positions = {each.id: index for index, each in enumerate(plan.fields)}
            key = tuple(sorted(positions[each] for each in keys[0]))
            self._replaced = ReplacedRows(self.schema.to_arrow(), key)
        self.rows.updating = not known.append_only
        self.time = event_time(plan)
        return job

    def _outdated(self) -> bool:
        """Whether rows are taken back from a table that only grew when the view was planned."""
        readers = (each.reader for each in self._job.inlets)
        return any(getattr(each.source, "updating", False) and not each.scan.table.updating for each in readers)

    def _start_again(self) -> None:
        """Plan anew and compute all rows again; what differs from the rows so far is the change."""
        self._job.close()
        self._round.changes = [Batch(each.rows, -each.sign(), each.watermarks) for each in self.rows.rows()]
        self._start()

    def _tell_left_out(self) -> None:
        self._left_out(self._job)
        self._job.forget_left_out()

    def _fail(self, error: BaseException) -> None:
        failure = error if self.name is None and isinstance(error, Exception) else self._named(error)
        self.error = failure
        self._job.close()
        self.rows.end(failure)

    def _named(self, error: BaseException) -> DataError:
        message = error.message if isinstance(error, StreamSqlError) else f"{type(error).__name__}: {error}"
        hint = f"DROP MATERIALIZED VIEW {self.name}, then CREATE one that copes with such rows"
        failure = DataError(f"the materialized view {self.name} has failed: {message}", hint=hint)
        failure.__cause__ = error
        if self._at is not None:
            self._at.locate(failure)
        return failure

    def _check(self) -> None:
        if self.error is not None:
            raise self.error
