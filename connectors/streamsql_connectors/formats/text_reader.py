"""Reading text files block by block, several blocks at a time, with exact line numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import Any, BinaryIO

from streamsql.ports import Comparison, DecodedRows, Position, RecordFile
from streamsql.record import record
from streamsql_connectors.decode_ahead import decode_ahead
from streamsql_connectors.formats.block_rows import BlockRows, error_of, reject_of
from streamsql_connectors.streams import StandardInput
from streamsql_connectors.text_blocks import Cut, TextBlock, UnreadableFile, after_last_newline, read_blocks

DecodeBlock = Callable[[TextBlock, Sequence[str]], BlockRows]


def _lines(head: str | None) -> Cut:
    return after_last_newline


@record
class TextReader:
    """A FileReader of a text format. The mark of a chunk is the byte and the line where its block begins.

    `decoder`: makes the decoder of a file from the file's head, which only some formats look at (`head` finds it in
    the first block). `cutter`: makes what cuts a file into whole records; it gets the head where reading goes on.
    `hint`: what to do about malformed records.
    """

    decoder: Callable[[str], DecodeBlock]
    hint: str
    cutter: Callable[[str | None], Cut] = _lines
    head: Callable[[TextBlock], str] | None = None

    def read(
        self, file: RecordFile, columns: tuple[str, ...], predicate: tuple[Comparison, ...], start: Position | None
    ) -> Iterator[DecodedRows]:
        """One chunk a block; DataError after the good rows before a malformed record."""
        begin: Any = start or {"offset": 0, "line": 1}
        stream = file.open()
        try:
            yield from self._read(stream, file.name, columns, begin)
        finally:
            stream.close()

    def _read(self, stream: BinaryIO, name: str, columns: tuple[str, ...], begin: Any) -> Iterator[DecodedRows]:
        blocks = read_blocks(stream, name, self.cutter(begin.get("head")), offset=begin["offset"])
        first = next(blocks, None)
        if first is None:
            return
        head = begin.get("head") if self.head is None or "head" in begin else self.head(first)
        decode = self.decoder(head or "")
        line = begin["line"]
        ready = stream.ready if isinstance(stream, StandardInput) else lambda: True
        with closing(decode_ahead(chain((first,), blocks), lambda block: decode(block, columns), ready)) as decoding:
            try:
                for block, decoded in decoding:
                    rejects = tuple(reject_of(each, name, line) for each in decoded.problems)
                    mark = {"offset": block.offset, "line": line, **({} if head is None else {"head": head})}
                    if decoded.rows.num_rows or rejects:
                        yield DecodedRows(decoded.rows, mark, rejects, decoded.weights)
                    if decoded.fatal is not None:
                        raise error_of(decoded.fatal, name, line, self.hint)
                    line += decoded.lines
            except UnreadableFile as error:
                raise error.after(line - 1) from error
