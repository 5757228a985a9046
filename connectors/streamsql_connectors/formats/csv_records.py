"""The records of a block of CSV: what is left out of it before it is read, and on which line each record begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql_connectors.formats.block_rows import Problem
from streamsql_connectors.formats.csv_dialect import Dialect
from streamsql_connectors.text_blocks import TextBlock
from streamsql_connectors.text_lines import Lines, invalid_utf8

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Text to be read, ending with a newline; `numbers`: where each of its lines was in the block."""

    data: pa.Buffer
    dialect: Dialect
    numbers: Rows

    def lines(self, *, blank: bool) -> Rows:
        """The line where each record begins; blank lines count as records only if `blank`."""
        values = np.frombuffer(self.data, np.uint8)
        ends = self.dialect.record_ends(values)
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]]) if len(ends) else ends
        newlines = np.flatnonzero(values == ord("\n"))
        numbers = self.numbers[np.searchsorted(newlines, starts)]
        if blank:
            return numbers
        lengths = ends - starts
        empty = (lengths == 1) | ((lengths == 2) & (values[starts] == ord("\r")))
        return np.asarray(numbers[~empty], np.int64)


def records_of(block: TextBlock, lines: Lines, dialect: Dialect, *, header: bool) -> tuple[Records, list[Problem]]:
    """The records of a block without its header and without lines that cannot be read, which are problems."""
    values = np.frombuffer(block.data, np.uint8)
    begin, end = 0, len(values)
    if header and block.offset == 0:
        ends = dialect.record_ends(values)
        begin = int(ends[0]) if len(ends) else end
    problems = []
    if block.last and dialect.ends_inside_quotes(values):
        ends = dialect.record_ends(values)
        end = max(begin, int(ends[-1]) if len(ends) else 0)
        problems.append(Problem(int(np.searchsorted(lines.ends, end, side="right")), "a quote is not closed"))
    unreadable = invalid_utf8(lines)
    problems += [Problem(each, "not valid UTF-8") for each in unreadable.tolist()]
    first = int(np.searchsorted(lines.ends, begin, side="right"))
    last = int(np.searchsorted(lines.ends, end, side="left")) + 1 if end > begin else first
    numbers = np.arange(first, min(last, len(lines)))
    if len(unreadable):
        return Records(_without(lines, numbers, unreadable), dialect, np.setdiff1d(numbers, unreadable)), problems
    return Records(_closed(block.data.slice(begin, end - begin)), dialect, numbers), problems


def _without(lines: Lines, numbers: Rows, dropped: Rows) -> pa.Buffer:
    kept = np.setdiff1d(numbers, dropped)
    texts = lines.array(pa.binary()).take(pa.array(kept))
    return _closed(pa.py_buffer(b"".join(texts.to_pylist())))


def _closed(data: pa.Buffer) -> pa.Buffer:
    text = memoryview(data).cast("B")
    return data if not data.size or text[-1] == ord("\n") else pa.py_buffer(bytes(text) + b"\n")
