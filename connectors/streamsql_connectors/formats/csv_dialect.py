"""What a CSV file is written in: delimiter, quotes, NULL, header; and where its records end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streamsql_connectors.options import boolean, character, option
from streamsql_connectors.text_blocks import NEWLINE, Bytes, after_last_newline

OPTIONS = (
    "field-delimiter",
    "delimiter",
    "quote-character",
    "disable-quote-character",
    "escape-character",
    "null-literal",
    "ignore-parse-errors",
    "header",
)
Offsets = npt.NDArray[np.int64]
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Dialect:
    """`quote` and `escape` None: there is none; `null` None: an empty field without quotes is NULL.

    `header`: whether the first line names the columns; None: it does if it is the declared names.
    """

    delimiter: str | None = None
    quote: str | None = '"'
    escape: str | None = None
    null: str | None = None
    header: bool | None = None
    ignore_errors: bool = False

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Dialect:
        """The dialect that the options ask for."""
        unquoted = option(options, "disable-quote-character", boolean, False)
        return cls(
            option(options, "field-delimiter", character, option(options, "delimiter", character, None)),
            None if unquoted else option(options, "quote-character", character, '"'),
            option(options, "escape-character", character, None),
            options.get("null-literal"),
            option(options, "header", boolean, None),
            option(options, "ignore-parse-errors", boolean, False),
        )

    def delimiter_of(self, first_line: str) -> str:
        """The declared delimiter; else the comma, unless the first line has none but has another usual one."""
        if self.delimiter is not None:
            return self.delimiter
        return next((each for each in _DELIMITERS if each in first_line), ",")

    def whole_records(self, data: Bytes) -> int:
        """How many bytes form whole records: up to the last newline that is not inside quotes."""
        if self.quote is None or ord(self.quote) not in data:
            return after_last_newline(data)
        ends = self.record_ends(data)
        return int(ends[-1]) if len(ends) else 0

    def record_ends(self, data: Bytes) -> Offsets:
        """The offsets behind the newlines that end records."""
        newlines = np.flatnonzero(data == NEWLINE)
        quotes = self._quotes(data)
        if len(quotes):
            newlines = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
        return newlines + 1

    def ends_inside_quotes(self, data: Bytes) -> bool:
        """Whether a quote is left open at the end."""
        return len(self._quotes(data)) % 2 == 1

    def _quotes(self, data: Bytes) -> Offsets:
        if self.quote is None:
            return np.empty(0, np.int64)
        quotes = np.flatnonzero(data == ord(self.quote))
        if self.escape is None or self.escape == self.quote or not len(quotes):
            return quotes
        escaped = (data[np.maximum(quotes - 1, 0)] == ord(self.escape)) & (quotes > 0)
        return np.asarray(quotes[~escaped], np.int64)
