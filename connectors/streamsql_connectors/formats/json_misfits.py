"""Which value inside a column does not fit its type: for error messages about the few records that have one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.expr.types import Kind, SqlType
from streamsql.record import record
from streamsql_connectors.formats.json_values import (
    elements,
    entries,
    expected,
    fields,
    key_and_value,
    parse_json_text,
    rows_of,
)
from streamsql_connectors.formats.text_values import Mask
from streamsql_connectors.text_lines import shown

Rows = npt.NDArray[np.int64]


@record
class Misfit:
    """A value of a row that is not what its type wants; `path`: such as `o.items[2].price`."""

    row: int
    path: str
    text: str
    type: SqlType

    def __str__(self) -> str:
        return f"column {self.path}: '{shown(self.text)}' is not {expected(self.type)}"


def misfits(path: str, texts: pa.Array, type_: SqlType, bad: Mask) -> list[Misfit]:
    """One for each bad row of a column: the first value in it, as deep as there is one."""
    found: dict[int, Misfit] = {}
    for each in _search(path, texts, type_, np.flatnonzero(bad)):
        found.setdefault(each.row, each)
    return [found[row] for row in sorted(found)]


def _search(path: str, texts: pa.Array, type_: SqlType, rows: Rows) -> Iterator[Misfit]:
    """Misfits of the rows, all of which have one; innermost ones come before those around them."""
    chosen = texts.take(pa.array(rows))
    match type_.kind:
        case Kind.ROW:
            found = fields(chosen, type_.names)
            for name, child, inner in zip(type_.names, type_.children, found.texts, strict=True):
                yield from _inside(f"{path}.{name}", inner, child, rows)
        case Kind.ARRAY:
            lists, _ = elements(chosen)
            places = np.arange(len(lists.values))
            ordinals = places - lists.offsets.to_numpy()[rows_of(lists.offsets, places)] + 1
            labels = [f"[{each}]" for each in ordinals.tolist()]
            yield from _items(path, lists, lists.values, type_.children[0], rows, labels)
        case Kind.MAP | Kind.MULTISET:
            maps, _ = entries(chosen)
            key, value = key_and_value(type_)
            labels = [f"['{each}']" for each in maps.keys.to_pylist()]
            yield from _items(path, maps, maps.items, value, rows, labels)
            yield from _items(f"{path} key", maps, maps.keys, key, rows, [""] * len(labels))
    for row, text in zip(rows.tolist(), chosen.to_pylist(), strict=True):
        yield Misfit(row, path, text, type_)


def _inside(path: str, texts: pa.Array, type_: SqlType, rows: Rows) -> Iterator[Misfit]:
    bad = parse_json_text(texts, type_).bad
    if bad is not None:
        for each in _search(path, texts, type_, np.flatnonzero(bad)):
            yield replace(each, row=int(rows[each.row]))


def _items(
    path: str, container: pa.Array, texts: pa.Array, type_: SqlType, rows: Rows, labels: list[str]
) -> Iterator[Misfit]:
    """Misfits among the elements of arrays or maps; `labels` say of each which it is."""
    parents = rows_of(container.offsets, np.arange(len(texts)))
    for each in _inside("", texts, type_, np.arange(len(texts))):
        yield replace(each, row=int(rows[parents[each.row]]), path=f"{path}{labels[each.row]}{each.path}")
