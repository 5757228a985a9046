"""Trace: the rows that are there, found by key: the state of joins, Top-N and versioned tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from streamsql.errors import Span
from streamsql.expr.types import Schema
from streamsql.state.base import State
from streamsql.state.code_rows import CodeRows
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array, take_rows, values_of
from streamsql.state.grouping import group_rows, normalize_key, single_chunk
from streamsql.state.hashing import HashRows, hash_rows
from streamsql.state.lifetimes import Lifetimes
from streamsql.state.matches import Matches
from streamsql.state.retractions import never_added
from streamsql.state.row_store import RowStore
from streamsql.state.sorted_runs import SortedRuns
from streamsql.state.stored_column import grown
from streamsql.time import Duration, Time

NEVER = int(np.iinfo(np.int64).max)
"""The time at which a row expires that does not."""
_SWEEP_FROM = 4_096
"""Below so many dead rows, putting the others together is not worth the while."""
_PAIRS = 1 << 18
"""So many pairs are written out at a time."""


class Trace(State):
    """Rows under dense codes of their keys (see KeyCodes); a row is addressed by its number.

    - `add` and `remove` take rows and give their numbers, which ascend in order of arrival. With `updating`, equal rows
      share one number and a count; else every row has its own, and none can be taken back by value.
    - `probe` finds the live rows under codes: pairs (position in the codes, number), by position, then number. A pair
      stands for `counts(number)` rows.
    - `take` gathers columns of rows by number. Dead rows can still be read until `settle`, which may number all rows
      anew: call it at the end of a step, and keep no numbers beyond.
    - `tally`: a number of the caller's for each row, 0 at first, such as how many partners a row has.
    - `expire` and `delete` free rows by time and by number. With `ttl`, `outlive` frees those that have not been
      written for so long by the clock.

    `source` and `span` say in messages where the rows come from.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        updating: bool,
        source: str = "",
        span: Span | None = None,
        hash_rows: HashRows = hash_rows,
        ttl: Duration | None = None,
    ) -> None:
        self.schema = schema
        self._source = source
        self._span = span
        self._updating = updating
        self._hash = hash_rows
        self._store = RowStore(schema.to_arrow())
        self._counts: Int64Array | None = None  # all 1
        self._tallies: Int64Array | None = None  # all 0
        self._expires: Int64Array | None = None  # all NEVER
        self._by_code, self._by_content, self._by_expiry = CodeRows(), SortedRuns(), SortedRuns()
        self._lifetimes = None if ttl is None else Lifetimes(ttl)
        self._dead = 0
        self._multiple = False

    @property
    def rows(self) -> int:
        return len(self._store) - self._dead

    @property
    def bound(self) -> int:
        """All numbers are below it; new rows get them from it on."""
        return len(self._store)

    def add(self, codes: Int64Array, rows: pa.RecordBatch, expires: Int64Array | None = None) -> Int64Array:
        """Store rows under codes; the number of each. `expires`: the last time at which a new row is needed."""
        if not self._updating:
            return self._append(codes, rows.columns, None, expires)
        hashes, groups, first, times = _distinct(rows, self._hash)
        numbers = self._find(hashes[first], rows, first)
        known, fresh = np.flatnonzero(numbers >= 0), np.flatnonzero(numbers < 0)
        if len(known):
            self._counted()[numbers[known]] += times[known]
            self._multiple = True
            self._touch(numbers[known])
        if len(fresh):
            at = first[fresh]
            columns = rows.columns if len(at) == len(codes) else [take_rows(each, at) for each in rows.columns]
            numbers[fresh] = self._append(codes[at], columns, times[fresh], None if expires is None else expires[at])
            self._by_content.insert(hashes[at], numbers[fresh])
        return numbers[groups]

    def remove(self, rows: pa.RecordBatch) -> Int64Array:
        """Take stored rows back; the number of each. DataError for a row that is not there, or not so often."""
        hashes, groups, first, times = _distinct(rows, self._hash)
        numbers = self._find(hashes[first], rows, first)
        missing = numbers < 0
        if not missing.any():
            missing = self.live(numbers) < times
        if missing.any():
            row = int(first[np.argmax(missing)])
            values = [each.slice(row, 1) for each in rows.columns]
            raise never_added(self.schema, range(len(values)), values, self._span, source=self._source)
        counts = self._counted()
        counts[numbers] -= times
        left = counts[numbers] > 0
        self._dead += int(np.count_nonzero(~left))
        self._touch(numbers[left])
        return numbers[groups]

    def outlive(self, now: Time) -> int:
        """Free the rows that have expired by now; how many numbers there were."""
        assert self._lifetimes is not None
        gone = self._lifetimes.expired(now)
        gone = gone[self._alive(gone)]
        if len(gone):
            self.delete(gone)
        return len(gone)

    def present(self, rows: pa.RecordBatch) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Which of the distinct ones among some rows each is; of each distinct one the number, -1 where it is not
        stored, and how often it is there."""
        hashes, groups, first, _ = _distinct(rows, self._hash)
        numbers = self._find(hashes[first], rows, first)
        counts = np.zeros(len(numbers), np.int64)
        counts[numbers >= 0] = self.live(numbers[numbers >= 0])
        return groups, numbers, counts

    def rewrite(self, numbers: Int64Array) -> None:
        """Stored rows are written again, as they are."""
        self._touch(numbers)

    def delete(self, numbers: Int64Array) -> None:
        """Free live rows, whatever their counts; the numbers are distinct."""
        self._counted()[numbers] = 0
        self._dead += len(numbers)

    def expire(self, time: int) -> Int64Array:
        """Free the rows whose last time lies before `time`; their numbers, ascending, readable until `settle`."""
        gone = self.passed(time)
        if len(gone):
            self.delete(gone)
        return gone

    def passed(self, time: int) -> Int64Array:
        """The live rows whose last time lies before `time`, told once; they stay."""
        gone = self._by_expiry.pop_up_to(time - 1)
        return gone[self._alive(gone)]

    def expiries(self, numbers: Int64Array) -> Int64Array:
        """The last time at which each row is needed."""
        return np.full(len(numbers), NEVER) if self._expires is None else self._expires[numbers]

    def matches(self, codes: Int64Array) -> Matches:
        """The rows under codes, dead ones among them, not yet written out."""
        return self._by_code.probe(codes, self._alive)

    def probe(self, codes: Int64Array, limit: int = _PAIRS) -> Iterator[tuple[Int64Array, Int64Array]]:
        """The live rows under codes, as pairs (position in `codes`, number), at most `limit` at a time.

        The trace must not change until all are read.
        """
        for at, numbers in self.matches(codes).chunks(limit):
            if self._dead:
                alive = np.flatnonzero(self._alive(numbers))
                at, numbers = at[alive], numbers[alive]
            yield at, numbers

    def take(self, numbers: Int64Array, positions: Sequence[int] | None = None) -> list[pa.Array]:
        """Columns (all, or those at `positions`) of rows, which may repeat."""
        return self._store.take(numbers, positions)

    def counts(self, numbers: Int64Array) -> Int64Array | None:
        """How often each live row is there; None where none ever was there twice."""
        return self.live(numbers) if self._multiple else None

    def live(self, numbers: Int64Array) -> Int64Array:
        """How often each row is there, 0 for dead ones."""
        return np.ones(len(numbers), np.int64) if self._counts is None else self._counts[numbers]

    def live_rows(self) -> Int64Array:
        """The numbers of all live rows, ascending."""
        every = np.arange(len(self._store))
        return every[self._alive(every)] if self._dead else every

    def tallies(self, numbers: Int64Array) -> Int64Array:
        """The caller's number for each row."""
        return np.zeros(len(numbers), np.int64) if self._tallies is None else self._tallies[numbers]

    def add_to_tallies(self, numbers: Int64Array, amounts: Int64Array) -> None:
        """Change the caller's numbers; rows may repeat."""
        if not len(numbers):
            return
        if self._tallies is None:
            self._tallies = np.zeros(len(self._store), np.int64)
        np.add.at(self._tallies, numbers, amounts)

    def settle(self) -> None:
        """Forget dead rows where they outnumber the live ones: rows get new numbers then, in the same order."""
        if self._dead and (self._dead > max(self.rows, _SWEEP_FROM) or not self.rows):
            self._keep(self.live_rows())

    def used_codes(self) -> Int64Array:
        """All codes of live rows, ascending; those of dead rows may be among them."""
        return self._by_code.used_codes()

    def save(self) -> dict[str, pa.Table]:
        live = self.live_rows()
        every = np.arange(len(self._store))
        expires = self.expiries(every) if self._lifetimes is None else self._lifetimes.written(every)
        beside = {"code": self.codes(every), "count": self.live(every), "tally": self.tallies(every)}
        beside["expires"] = expires
        columns = {f"c{i}": each for i, each in enumerate(self._store.take(live))}
        return {"rows": pa.table({**{name: int64_array(each[live]) for name, each in beside.items()}, **columns})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        table = tables["rows"]
        codes, counts, tallies, expires = (
            values_of(single_chunk(table[name])) for name in ("code", "count", "tally", "expires")
        )
        columns = [single_chunk(table[f"c{i}"]) for i in range(len(self.schema.columns))]
        timed = self._lifetimes is None and bool((expires != NEVER).any())
        numbers = self._append(codes, columns, counts, expires if timed else None)
        if self._lifetimes is not None:
            self._lifetimes.restore(numbers, expires)
        if tallies.any():
            self.add_to_tallies(numbers, tallies)
        if self._updating and len(numbers):
            hashes = self._hash([normalize_key(each) for each in columns])
            self._by_content.insert(hashes.view(np.int64), numbers)

    def codes(self, numbers: Int64Array) -> Int64Array:
        """The code of each row."""
        return self._by_code.codes(numbers)

    def _append(
        self, codes: Int64Array, columns: Sequence[pa.Array], counts: Int64Array | None, expires: Int64Array | None
    ) -> Int64Array:
        numbers = self._store.append(columns, len(codes))
        size = len(self._store)
        if counts is not None and (counts > 1).any():
            self._multiple = True
            self._counted()
        if self._counts is not None:
            self._counts = grown(self._counts, size)
            self._counts[numbers] = 1 if counts is None else counts
        if self._tallies is not None:
            self._tallies = grown(self._tallies, size)
        if expires is not None and self._expires is None:
            self._expires = np.full(size, NEVER)
        if self._expires is not None:
            self._expires = grown(self._expires, size, NEVER)
        if expires is not None and self._expires is not None:
            self._expires[numbers] = expires
            self._by_expiry.insert(expires, numbers)
        self._by_code.append(codes)
        self._touch(numbers)
        return numbers

    def _touch(self, numbers: Int64Array) -> None:
        if self._lifetimes is not None:
            self._lifetimes.touch(numbers)

    def _counted(self) -> Int64Array:
        if self._counts is None:
            self._counts = np.ones(len(self._store), np.int64)
        return self._counts

    def _find(self, hashes: Int64Array, rows: pa.RecordBatch, at: Int64Array) -> Int64Array:
        """The live row equal to each of rows `at`, -1 where there is none; at most one is."""
        found = np.full(len(at), -1)
        for places, numbers in self._by_content.probe(hashes).chunks(_PAIRS):
            alive = np.flatnonzero(self._alive(numbers))
            places, numbers = places[alive], numbers[alive]
            equal = self._store.equals(numbers, rows.columns, at[places])
            found[places[equal]] = numbers[equal]
        return found

    def _alive(self, numbers: Int64Array) -> BoolArray:
        return np.ones(len(numbers), np.bool_) if self._counts is None else self._counts[numbers] > 0

    def _keep(self, numbers: Int64Array) -> None:
        renumbered = np.full(len(self._store), -1)
        renumbered[numbers] = np.arange(len(numbers))
        for each in (self._by_content, self._by_expiry):
            each.renumber(renumbered)
        self._by_code.keep(numbers)
        self._store.keep(numbers)
        if self._lifetimes is not None:
            self._lifetimes.renumber(numbers)
        self._counts, self._tallies, self._expires = (
            None if each is None else each[numbers] for each in (self._counts, self._tallies, self._expires)
        )
        self._dead = 0


def _distinct(rows: pa.RecordBatch, hash_rows: HashRows) -> tuple[Int64Array, Int64Array, Int64Array, Int64Array]:
    """Hash of each row; then for distinct rows: which of them each row is, the first of each, how often it comes."""
    columns = [normalize_key(each) for each in rows.columns]
    hashes = hash_rows(columns).view(np.int64)
    in_order = np.sort(hashes)
    if not (in_order[1:] == in_order[:-1]).any():
        every = np.arange(len(hashes))
        return hashes, every, every, np.ones(len(hashes), np.int64)
    groups, first = group_rows(columns)
    return hashes, groups, first, np.bincount(groups, minlength=len(first))
