"""Where the records of CSV text end: newlines inside quotes and comments are found a block at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from streamsql.record import record
from streamsql_connectors.formats.csv_dialect import Dialect
from streamsql_connectors.text_blocks import NEWLINE, Bytes, after_last_newline

Offsets = npt.NDArray[np.int64]

_CARRIAGE_RETURN, _HASH = 13, ord("#")
_LONGEST_HEAD = 65_536
_NONE: Offsets = np.empty(0, np.int64)


@record(eq=False)
class Marks:
    """`quotes`: offsets of the quotes that open and close fields, in turn; `comments`: where comment lines begin."""

    quotes: Offsets
    comments: Offsets


NO_MARKS = Marks(_NONE, _NONE)


@record
class Scanner:
    """Finds records in text that begins with one. A quote opens a field only at its beginning, as in `5" pipe`."""

    dialect: Dialect
    delimiter: str

    def whole_records(self, data: Bytes) -> int:
        """How many bytes form whole records: up to the last newline that ends one."""
        if self.dialect.escape is None:
            quotes = self.marks(data).quotes
            end = after_last_newline(data)
            if np.searchsorted(quotes, end) % 2 == 0:
                return end
        ends = self.record_ends(data)
        ends = ends[data[ends - 1] == NEWLINE]
        return int(ends[-1]) if len(ends) else 0

    def record_ends(self, data: Bytes) -> Offsets:
        """The offsets behind the line ends that end records, also carriage returns alone; a comment is a record too."""
        newlines = self._unescaped(data, _line_ends(data))
        quotes = self.marks(data).quotes
        if len(quotes):
            newlines = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
        return np.asarray(newlines + 1, np.int64)

    def marks(self, data: Bytes) -> Marks:
        """The quotes that count, and the comments."""
        quote = self.dialect.quote
        quotes = _NONE if quote is None else self._unescaped(data, np.flatnonzero(data == ord(quote)))
        hashes = _line_starts_with_hash(data) if self.dialect.comments else _NONE
        if not len(quotes):
            return Marks(quotes, hashes)
        if not len(hashes) and self._open_fields(data, quotes[::2]):
            return Marks(quotes, hashes)
        return self._walk(data, quotes, hashes)

    def _open_fields(self, data: Bytes, quotes: Offsets) -> bool:
        """Whether each of these quotes stands where a field begins, or is the second of two."""
        before = data[np.maximum(quotes - 1, 0)]
        fine = (quotes == 0) | (before == data[quotes])
        for each in (ord(self.delimiter), NEWLINE, _CARRIAGE_RETURN):
            fine |= before == each
        return bool(fine.all())

    def _walk(self, data: Bytes, quotes: Offsets, hashes: Offsets) -> Marks:
        """Quote by quote: only for blocks with comments, or with quotes inside of unquoted fields."""
        kept: list[int] = []
        comments: list[int] = []
        begins = {ord(self.delimiter), NEWLINE, _CARRIAGE_RETURN}
        newlines = np.flatnonzero(data == NEWLINE)
        inside, skip, lines = False, -1, set(hashes.tolist())
        for at in np.union1d(quotes, hashes).tolist():
            if at < skip:
                continue
            if at in lines:
                if not inside:
                    comments.append(at)
                    following = int(np.searchsorted(newlines, at))
                    skip = int(newlines[following]) if following < len(newlines) else len(data)
            elif not inside:
                inside = at == 0 or int(data[at - 1]) in begins
                kept += [at] if inside else []
            elif at + 1 < len(data) and data[at + 1] == data[at]:
                skip = at + 2
            else:
                inside = False
                kept.append(at)
        return Marks(np.array(kept, np.int64), np.array(comments, np.int64))

    def _unescaped(self, data: Bytes, offsets: Offsets) -> Offsets:
        """Those that do not follow an odd number of escape characters."""
        if self.dialect.escape is None or not len(offsets):
            return offsets
        escapes = data == ord(self.dialect.escape)
        if not escapes.any():
            return offsets
        index = np.arange(len(data), dtype=np.int32)
        run = index - np.maximum.accumulate(np.where(escapes, -1, index))
        odd = (run[np.maximum(offsets - 1, 0)] % 2 == 1) & (offsets > 0)
        return np.asarray(offsets[~odd], np.int64)

    def first_record(self, data: Bytes) -> tuple[int, int]:
        """Where the first record that is neither blank nor a comment begins and ends."""
        start = 0
        for end in self._ends(data):
            if not self.is_left_out(bytes(data[start:end])):
                return start, end
            start = end
        return start, start

    def is_left_out(self, record: bytes) -> bool:
        """Whether a record is a blank line or a comment."""
        return not record.strip(b"\r\n") or (self.dialect.comments and record.startswith(b"#"))

    def _ends(self, data: Bytes) -> Iterator[int]:
        yield from self.record_ends(data).tolist()
        yield len(data)


class RecordCutter:
    """Cuts text into whole records. `head` is the first record of the file; None where reading begins with it."""

    def __init__(self, dialect: Dialect, head: str | None = None) -> None:
        self._dialect = dialect
        self._scanner = None if head is None else Scanner(dialect, dialect.delimiter_of(head))

    def __call__(self, data: Bytes) -> int:
        if self._scanner is None:
            self._scanner = Scanner(self._dialect, self._dialect.delimiter_of(head_of(data, self._dialect)))
        return self._scanner.whole_records(data)


def head_of(data: Bytes, dialect: Dialect) -> str:
    """The first record of a file that is neither blank nor a comment, from at most 64 KB of it.

    >>> head_of(np.frombuffer(b"\\n# note\\na;b\\n1;2\\n", np.uint8), Dialect(comments=True))
    'a;b'
    """
    begin = data[:_LONGEST_HEAD]
    line = _text(begin, *Scanner(dialect, dialect.delimiter or ",").first_record(begin))
    return _text(begin, *Scanner(dialect, dialect.delimiter_of(line)).first_record(begin))


def _text(data: Bytes, start: int, end: int) -> str:
    return bytes(data[start:end]).rstrip(b"\r\n").decode("utf-8", "replace").removeprefix("\ufeff")


def _line_ends(data: Bytes) -> Offsets:
    returns = np.flatnonzero(data == _CARRIAGE_RETURN)
    newlines = np.flatnonzero(data == NEWLINE)
    if not len(returns):
        return newlines
    alone = data[np.minimum(returns + 1, len(data) - 1)] != NEWLINE
    return np.union1d(newlines, returns[alone])


def _line_starts_with_hash(data: Bytes) -> Offsets:
    starts = np.flatnonzero(data == _HASH)
    return np.asarray(starts[(starts == 0) | (data[np.maximum(starts - 1, 0)] == NEWLINE)], np.int64)
