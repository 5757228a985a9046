"""Running the same code with compiled kernels and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from streamsql import compiled

T = TypeVar("T")


@contextmanager
def compiled_kernels(mode: str) -> Iterator[None]:
    """Within it, this thread goes by another mode."""
    compiled.use(mode)
    try:
        yield
    finally:
        compiled.use("auto")


def both_ways(call: Callable[[], T]) -> tuple[T, T]:
    """What a call gives without and with compiled kernels."""
    with compiled_kernels("off"):
        without = call()
    with compiled_kernels("on"):
        return without, call()
