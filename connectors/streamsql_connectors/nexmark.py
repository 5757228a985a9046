"""The `nexmark` connector: the persons, auctions and bids of the benchmark of that name."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from streamsql.errors import UsageError, did_you_mean
from streamsql.expr.types import INT, TIMESTAMPS, Column, Kind, Schema, SqlType
from streamsql.ports import OptionInfo, ReadRequest, Sink, Source, SourceBatch, TableOptions
from streamsql.record import record
from streamsql_connectors.nexmark_columns import SCHEMAS
from streamsql_connectors.nexmark_events import BASE_TIME, KINDS, EventKind, NexmarkChunk, NexmarkSettings
from streamsql_connectors.nexmark_rows import event_rows, flat_rows
from streamsql_connectors.options import boolean, byte_size, choice, count, names_of, option, positive, refuse_unknown
from streamsql_connectors.pace import Pace
from streamsql_connectors.times import duration, timestamp

EVENT_TYPE = "event_type"
"""The column that says of a row of all events what it is: 0 a person, 1 an auction, 2 a bid."""

_LARGEST_EVENT = 16_384
"""Bytes; the texts of a chunk of such events fit one Arrow array."""


class NexmarkConnector:
    """Flink's options of the same names, and the table, seed, disorder and lateness."""

    options: tuple[OptionInfo, ...] = (
        OptionInfo("nexmark.table", "person | auction | bid", "whose rows; without it, by the table's own name"),
        OptionInfo("events.num", "number", "after so many events of all kinds the stream ends; without it, never"),
        OptionInfo("first-event.rate", "number", "events a second of event time", "10000"),
        OptionInfo("next-event.rate", "number", "events a second of real time, where that is limited", "10000"),
        OptionInfo("rate.limited", "boolean", "whether events come at that rate; without it, where there is no end"),
        OptionInfo("base-time", "timestamp", "when the first event happens", "2015-07-15 00:00:00"),
        OptionInfo("seed", "number", "other random values for other numbers; without it, the seed of the session"),
        OptionInfo("out-of-order.share", "number", "the share of events that come later than they happened", "0"),
        OptionInfo("out-of-order.max-delay", "duration", "how much later at most", "2 s"),
        OptionInfo("late.share", "number", "the share of events that come much later", "0"),
        OptionInfo("late.delay", "duration", "how much later at least; at most twice that", "10 s"),
        *(
            OptionInfo(f"{kind}.proportion", "number", f"{kind}s in a round of events", str(usual))
            for kind, usual in zip(KINDS, NexmarkSettings().proportions, strict=True)
        ),
        OptionInfo("bid.hot-ratio.auctions", "number", "one bid in so many is not for the hot auction", "2"),
        OptionInfo("bid.hot-ratio.bidders", "number", "one bid in so many is not from the hot bidder", "4"),
        OptionInfo("auction.hot-ratio.sellers", "number", "one auction in so many is not from the hot seller", "4"),
        *(
            OptionInfo(f"{kind}.avg-size", "bytes", f"of {kind}s, made up by `extra`", f"{usual}b")
            for kind, usual in zip(KINDS, NexmarkSettings().sizes, strict=True)
        ),
    )

    def source(self, table: TableOptions) -> Source:
        """Bounded where `events.num` says so."""
        schema = self.infer(table) if table.schema is None else table.schema
        settings, kind = _settings(table), _kind(table, schema)
        _check(schema, _offered(kind), f"table {table.name} (nexmark)")
        bounded = settings.events is not None
        limited = option(table.options, "rate.limited", boolean, not bounded)
        rate = option(table.options, "next-event.rate", positive, 10_000)
        return NexmarkSource(schema, bounded, settings, kind, rate if limited else None)

    def sink(self, table: TableOptions) -> Sink:
        """There is nothing to write to."""
        raise UsageError(f"table {table.name}: nexmark can only be read")

    def infer(self, table: TableOptions) -> Schema:
        """All columns of the kind of event that the options or the table's name say."""
        refuse_unknown(table.options, ("connector", *names_of(self.options)), f"table {table.name} (nexmark)")
        kind = _kind(table, Schema(()))
        return Schema(tuple(_offered(kind)))


def _settings(table: TableOptions) -> NexmarkSettings:
    options = table.options
    refuse_unknown(options, ("connector", *names_of(NexmarkConnector.options)), f"table {table.name} (nexmark)")
    usual = NexmarkSettings()
    proportions = [option(options, f"{kind}.proportion", count, usual.proportion(kind)) for kind in KINDS]
    sizes = [option(options, f"{kind}.avg-size", _event_size, usual.size(kind)) for kind in KINDS]
    if not sum(proportions):
        raise UsageError(f"table {table.name} (nexmark): one of the proportions must be more than 0")
    return NexmarkSettings(
        seed=option(options, "seed", count, table.seed),
        events=option(options, "events.num", count, 0) or None,
        proportions=(proportions[0], proportions[1], proportions[2]),
        rate=option(options, "first-event.rate", positive, usual.rate),
        base_time=option(options, "base-time", timestamp, BASE_TIME),
        disorder_share=option(options, "out-of-order.share", _share, usual.disorder_share),
        disorder_delay=option(options, "out-of-order.max-delay", duration, usual.disorder_delay),
        late_share=option(options, "late.share", _share, usual.late_share),
        late_delay=option(options, "late.delay", duration, usual.late_delay),
        hot_auctions=option(options, "bid.hot-ratio.auctions", positive, usual.hot_auctions),
        hot_bidders=option(options, "bid.hot-ratio.bidders", positive, usual.hot_bidders),
        hot_sellers=option(options, "auction.hot-ratio.sellers", positive, usual.hot_sellers),
        sizes=(sizes[0], sizes[1], sizes[2]),
    )


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError("write a share between 0 and 1")
    return value


def _event_size(text: str) -> int:
    size = byte_size(text)
    if size > _LARGEST_EVENT:
        raise ValueError(f"write at most {_LARGEST_EVENT}b")
    return size


def _kind(table: TableOptions, schema: Schema) -> EventKind | None:
    """Whose rows a table has; None: those of all events, one column for each kind."""
    named = option(table.options, "nexmark.table", choice(*KINDS), None)
    if named is None and EVENT_TYPE in schema.names:
        return None
    for kind in KINDS:
        if kind == (named or table.name):
            return kind
    raise UsageError(
        f"table {table.name} (nexmark): which events are its rows?",
        hint=f"write 'nexmark.table' = 'bid', or auction or person; or declare the column {EVENT_TYPE} for all events",
    )


def _offered(kind: EventKind | None) -> list[Column]:
    if kind is not None:
        return list(SCHEMAS[kind])
    rows = [SqlType(Kind.ROW, names=SCHEMAS[each].names, children=SCHEMAS[each].types) for each in KINDS]
    return [Column(EVENT_TYPE, INT), *(Column(each, type_) for each, type_ in zip(KINDS, rows, strict=True))]


def _check(declared: Schema, offered: list[Column], owner: str) -> None:
    """UsageError for a declared column that there is not, or not with that type."""
    types = {each.name: each.type for each in offered}
    for column in declared:
        if column.name not in types:
            raise UsageError(
                f"{owner} has no column {column.name}", hint=did_you_mean(column.name, list(types), kind="columns")
            )
        wanted, have = column.type, types[column.name]
        if have.kind is Kind.ROW and wanted.kind is Kind.ROW:
            fields = tuple(Column(*each) for each in zip(wanted.names, wanted.children, strict=True))
            inner = [Column(*each) for each in zip(have.names, have.children, strict=True)]
            _check(Schema(fields), inner, f"{owner}, column {column.name},")
        elif not wanted.same_as(have) and not (wanted.kind in TIMESTAMPS and have.kind in TIMESTAMPS):
            raise UsageError(f"{owner}: column {column.name} is {have}, not {wanted}", hint=f"declare it as {have}")


@record
class NexmarkSource:
    """Rows of one kind of event, or of all (`kind` None), made in chunks of whole rounds of events.

    So neither batch size nor chosen columns change a value, and tables of several kinds are one stream of events.
    `rate`: events a second of real time; None: as fast as they are read.
    """

    schema: Schema
    bounded: bool
    settings: NexmarkSettings
    kind: EventKind | None
    rate: int | None

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        """From the position's row on."""
        done = int((request.start or {}).get("rows", 0))
        schema = _chosen(self.schema, request.columns)
        total, chunk_rows = self._total(), self._rows(self.settings.rounds_of_chunk * self.settings.round)
        pace = None if self.rate is None else Pace(self.rate * self._rows(self.settings.round) / self.settings.round)
        made: tuple[int, pa.RecordBatch] | None = None
        while chunk_rows and (total is None or done < total):
            allowed = request.batch_rows if pace is None else min(request.batch_rows, pace.due())
            number, offset = divmod(done, chunk_rows)
            if made is None or made[0] != number:
                made = number, self._chunk(number, schema)
            left = chunk_rows if total is None else min(chunk_rows, total - number * chunk_rows)
            size = min(allowed, left - offset)
            done += size
            if pace is not None:
                pace.deliver(size)
            yield SourceBatch(made[1].slice(offset, size), {"rows": done})

    def _rows(self, events: int) -> int:
        return events if self.kind is None else self.settings.rows(self.kind, events)

    def _total(self) -> int | None:
        return None if self.settings.events is None else self._rows(self.settings.events)

    def _chunk(self, number: int, schema: Schema) -> pa.RecordBatch:
        if self.kind is None:
            return event_rows(self.settings, number, schema)
        return flat_rows(NexmarkChunk(self.settings, self.kind, number), schema)


def _chosen(schema: Schema, names: tuple[str, ...]) -> Schema:
    columns = {each.name: each for each in schema}
    for name in names:
        if name not in columns:
            raise UsageError(f"unknown column {name}", hint=did_you_mean(name, list(columns), kind="columns"))
    return Schema(tuple(columns[name] for name in names))
