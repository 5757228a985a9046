"""Reading text files block by block, several blocks at a time, with exact line numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from streamsql.ports import Comparison, DecodedRows, Position, RecordFile
from streamsql_connectors.decode_ahead import decode_ahead
from streamsql_connectors.formats.block_rows import BlockRows, error_of, reject_of
from streamsql_connectors.text_blocks import Cut, TextBlock, after_last_newline, read_blocks

DecodeBlock = Callable[[TextBlock, Sequence[str]], BlockRows]


@dataclass(frozen=True, slots=True)
class TextReader:
    """A FileReader of a text format; `hint`: what to do about malformed records. The mark of a chunk is the byte and
    the line where its block begins."""

    decode: DecodeBlock
    hint: str
    cut: Cut = after_last_newline

    def read(
        self, file: RecordFile, columns: tuple[str, ...], predicate: tuple[Comparison, ...], start: Position | None
    ) -> Iterator[DecodedRows]:
        """One chunk a block; DataError after the good rows before a malformed record."""
        begin: Any = start or {"offset": 0, "line": 1}
        line = begin["line"]
        stream = file.open()
        try:
            blocks = read_blocks(stream, file.name, self.cut, offset=begin["offset"])
            for block, decoded in decode_ahead(blocks, lambda block: self.decode(block, columns)):
                rejects = tuple(reject_of(each, file.name, line) for each in decoded.problems)
                mark = {"offset": block.offset, "line": line}
                if decoded.rows.num_rows or rejects:
                    yield DecodedRows(decoded.rows, mark, rejects)
                if decoded.fatal is not None:
                    raise error_of(decoded.fatal, file.name, line, self.hint)
                line += decoded.lines
        finally:
            stream.close()
