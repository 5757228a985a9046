"""Operators that take all changes of a step together."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable

from streamsql.batch import Batch, concat_batches
from streamsql.operators.base import Operator


class WholeSteps(Operator):
    """The batches of a step wait until all are in, and are one then; steps without rows are passed over."""

    def __init__(self) -> None:
        self._waiting: list[Batch] = []

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        if len(batch):
            self._waiting.append(batch)
        return ()

    def on_step_end(self) -> Iterable[Batch]:
        if not self._waiting:
            return ()
        batch, self._waiting = concat_batches(self._waiting), []
        return self._on_step(batch)

    @abstractmethod
    def _on_step(self, batch: Batch) -> Iterable[Batch]:
        """All changes of a step, at least one."""
