"""Decoding blocks on several cores, a few blocks ahead of the reader, in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from itertools import chain
from typing import TypeVar

Block = TypeVar("Block")
Decoded = TypeVar("Decoded")

_MOST_WORKERS = 3


def decode_ahead(
    blocks: Iterator[Block], decode: Callable[[Block], Decoded], ready: Callable[[], bool] = lambda: True
) -> Generator[tuple[Block, Decoded], None, None]:
    """Each block with what `decode` makes of it, in order. A single block is decoded without any thread.

    An error of `blocks` comes after the blocks that were read before it. `ready`: whether the next block is there
    without waiting; if it is not, those that have been read are delivered first.
    """
    while (first := next(blocks, None)) is not None:
        if ready():
            yield from _several(first, blocks, decode, ready)
            return
        yield first, decode(first)


def _several(
    first: Block, blocks: Iterator[Block], decode: Callable[[Block], Decoded], ready: Callable[[], bool]
) -> Iterator[tuple[Block, Decoded]]:
    try:
        second = next(blocks)
    except StopIteration:
        yield first, decode(first)
        return
    except Exception:
        yield first, decode(first)
        raise
    yield from _in_threads(chain((first, second), blocks), decode, ready)


def _in_threads(
    blocks: Iterator[Block], decode: Callable[[Block], Decoded], ready: Callable[[], bool]
) -> Iterator[tuple[Block, Decoded]]:
    from concurrent.futures import Future, ThreadPoolExecutor

    workers = min(_MOST_WORKERS, os.cpu_count() or 1)
    running: deque[tuple[Block, Future[Decoded]]] = deque()
    failure: Exception | None = None
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    try:
        while True:
            while failure is None and len(running) <= workers and (not running or ready()):
                try:
                    block = next(blocks)
                except StopIteration:
                    break
                except Exception as error:  # raised below, after the blocks before it
                    failure = error
                    break
                running.append((block, pool.submit(decode, block)))
            if not running:
                break
            done, future = running.popleft()
            yield done, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if failure is not None:
        raise failure
