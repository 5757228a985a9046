"""The records of a block of CSV: what is left out of it before it is read, and on which line each record begins."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.record import record
from streamsql_connectors.formats.block_rows import Problem, not_utf8
from streamsql_connectors.formats.csv_dialect import HINT
from streamsql_connectors.formats.csv_scan import NO_MARKS, Scanner
from streamsql_connectors.text_blocks import NEWLINE, Bytes, TextBlock
from streamsql_connectors.text_lines import Lines, invalid_utf8

Rows = npt.NDArray[np.int64]


@record(eq=False)
class Records:
    """Text to be read, ending with a newline: the lines `kept` of a block, or its bytes from `begin` to `end`."""

    data: pa.Buffer
    scanner: Scanner
    block: Lines
    begin: int
    end: int
    kept: Rows | None = None

    def lines(self, *, blank: bool) -> Rows:
        """The line where each record begins; blank lines count as records only if `blank`."""
        whole = _numbers(self.block, self.begin, self.end) if self.kept is None else self.kept
        values = np.frombuffer(self.data, np.uint8)
        if not len(values):
            return np.empty(0, np.int64)
        ends = self.scanner.record_ends(values)
        if not len(ends) or ends[-1] < len(values):  # the last line end is escaped
            ends = np.append(ends, len(values))
        starts = _starts(ends)
        newlines = np.flatnonzero(values == NEWLINE)
        numbers = whole[np.searchsorted(newlines, starts)]
        if blank:
            return numbers
        lengths = ends - starts
        empty = (lengths == 1) | ((lengths == 2) & (values[starts] == ord("\r")))
        return np.asarray(numbers[~empty], np.int64)


def records_of(block: TextBlock, lines: Lines, scanner: Scanner, *, header: bool) -> tuple[Records, list[Problem]]:
    """The records of a block without its header, comments, and what cannot be read, which are problems."""
    values = np.frombuffer(block.data, np.uint8)
    begin = scanner.first_record(values)[1] if header and block.offset == 0 else 0
    problems, end = [], len(values)
    marks = scanner.marks(values) if block.last or scanner.dialect.comments else NO_MARKS
    if block.last and len(marks.quotes) % 2:
        end = _last_record_end(scanner, values, begin)
        problems.append(Problem(min(_line_at(lines, end), len(lines) - 1), "a quote is not closed"))
    unreadable = invalid_utf8(lines)
    problems += not_utf8(lines, unreadable.tolist(), HINT)
    if not len(unreadable) and not len(marks.comments):
        return Records(_closed(block.data.slice(begin, end - begin)), scanner, lines, begin, end), problems
    comments = np.searchsorted(lines.ends, marks.comments, side="right")
    dropped = np.union1d(_whole_records(lines, unreadable, scanner, values), comments)
    kept = np.setdiff1d(_numbers(lines, begin, end), dropped)
    return Records(_closed(_lines_only(lines, kept)), scanner, lines, begin, end, kept), problems


def _numbers(lines: Lines, begin: int, end: int) -> Rows:
    """The lines that lie between two offsets."""
    first = _line_at(lines, begin)
    last = int(np.searchsorted(lines.ends, end, side="left")) + 1 if end > begin else first
    return np.arange(first, min(last, len(lines)))


def _starts(ends: Rows) -> Rows:
    return np.concatenate([np.zeros(1, np.int64), ends[:-1]]) if len(ends) else ends


def _last_record_end(scanner: Scanner, values: Bytes, begin: int) -> int:
    ends = scanner.record_ends(values)
    return max(begin, int(ends[-1]) if len(ends) else 0)


def _line_at(lines: Lines, offset: int) -> int:
    return int(np.searchsorted(lines.ends, offset, side="right"))


def _whole_records(lines: Lines, some: Rows, scanner: Scanner, values: Bytes) -> Rows:
    """All lines of the records that the given lines belong to."""
    if not len(some):
        return some
    record = np.searchsorted(scanner.record_ends(values), lines.starts, side="right")
    return np.flatnonzero(np.isin(record, record[some]))


def _lines_only(lines: Lines, kept: Rows) -> pa.Buffer:
    """The text of some lines, without a loop over them."""
    lengths = np.diff(lines.ends, prepend=0)
    wanted = np.zeros(len(lines), np.bool_)
    wanted[kept] = True
    values = np.frombuffer(lines.data, np.uint8)[: int(lengths.sum())]
    return pa.py_buffer(values[np.repeat(wanted, lengths)])


def _closed(data: pa.Buffer) -> pa.Buffer:
    text = memoryview(data).cast("B")
    return data if not data.size or text[-1] == NEWLINE else pa.py_buffer(bytes(text) + b"\n")
