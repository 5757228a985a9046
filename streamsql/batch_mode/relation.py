"""The pieces of the DuckDB query: one common table expression per plan node, and the tables it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

import pyarrow as pa

from streamsql.batch_mode.decisions import Recorded
from streamsql.expr.context import EvalContext
from streamsql.plan.logical import Field, Plan, Scan
from streamsql.record import record


@record
class Relation:
    """A common table expression.

    Its columns are `c<id>` for each of `ids` and `o0 … o<order - 1>`, by which (ascending, NULL first) its rows stand
    in the order in which the stream delivers them; there is at least one. `sorted`: DuckDB delivers them so without
    being asked. `ordinals_only`: the order is made of BIGINT ordinals, first those of arrival, so that relations can be
    merged by it.
    """

    name: str
    ids: tuple[int, ...]
    order: int
    sorted: bool = False
    ordinals_only: bool = False

    @property
    def names(self) -> Mapping[int, str]:
        """The DuckDB column of each column id."""
        return {each: column(each) for each in self.ids}

    @property
    def columns(self) -> tuple[str, ...]:
        """All visible columns."""
        return tuple(column(each) for each in self.ids)

    @property
    def ordinals(self) -> tuple[str, ...]:
        """The hidden columns that hold the order."""
        return tuple(f"o{index}" for index in range(self.order))

    @property
    def arrival(self) -> str:
        """The terms of an ORDER BY that puts the rows in order."""
        return order_terms(self.ordinals)


@record(frozen=False)
class Lowering:
    """The query while it is being built.

    `scans` and `tables` are what it reads, by the name under which each must be registered. `source_count` says how
    many scans and VALUES the whole plan has: with one, the row number alone is the arrival order.
    """

    context: EvalContext
    source_count: int
    recorded: Recorded
    shared: frozenset[Plan] = frozenset()
    scans: dict[str, Scan] = field(default_factory=dict)
    tables: dict[str, pa.Table] = field(default_factory=dict)
    expressions: list[tuple[str, str]] = field(default_factory=list)
    lowered: dict[Plan, Relation] = field(default_factory=dict)
    sources: int = 0

    def add(self, body: str, *, keep: bool = False) -> str:
        """Append a common table expression and return its name; `keep`: computed once, however often it is read."""
        name = f"n{len(self.expressions)}"
        how = "MATERIALIZED" if keep else "NOT MATERIALIZED"
        self.expressions.append((f"{name} AS {how}", body))
        return name

    @property
    def arrival_width(self) -> int:
        """How many of the first ordinals are those of arrival: watermark, source and row number, or the last alone."""
        return 1 if self.source_count == 1 else 3

    def source_order(self, watermark: str | None, row: str) -> tuple[str, ...]:
        """The place of a row of the next source among those of all: (watermark before it, source, row number).

        A source without watermark comes before all time, as NULL does.
        """
        number, self.sources = self.sources, self.sources + 1
        return (row,) if self.source_count == 1 else (watermark or "NULL::BIGINT", f"{number}::BIGINT", row)

    def add_table(self, table: pa.Table) -> str:
        """Have an Arrow table registered and return its name."""
        name = f"t{len(self.tables)}"
        self.tables[name] = table
        return name

    def text(self, select: str) -> str:
        """The whole query that ends in `select`."""
        parts = ",\n".join(f"{head} (\n  {body}\n)" for head, body in self.expressions)
        return f"WITH {parts}\n{select}" if parts else select


def column(id: int) -> str:
    """The DuckDB column of a column id."""
    return f"c{id}"


def order_terms(columns: Iterable[str]) -> str:
    """ORDER BY terms that put NULL first."""
    return ", ".join(f"{each} ASC NULLS FIRST" for each in columns)


def distinct_ids(fields: Iterable[Field]) -> tuple[int, ...]:
    """The ids of the fields, each once: a plan may deliver one column twice."""
    return tuple(dict.fromkeys(each.id for each in fields))


def select_list(items: Mapping[str, str], ordinals: Sequence[str]) -> str:
    """The SELECT list of named expressions and of the order they come in."""
    order = {f"o{index}": each for index, each in enumerate(ordinals)}
    terms = [each if each == name else f"{each} AS {name}" for name, each in {**items, **order}.items()]
    return ", ".join(terms)
