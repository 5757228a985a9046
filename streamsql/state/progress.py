"""How far an operator has come: the time it has acted on, and how many rows it has seen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.state.base import State
from streamsql.time import BEGIN_OF_TIME, Time


class Progress(State):
    """The last watermark (or processing time) acted on, and the arrival number of the next row."""

    def __init__(self) -> None:
        self.time: Time = BEGIN_OF_TIME
        self.arrivals = 0

    def advance(self, time: Time) -> bool:
        """Move on to `time`; False where that is not later."""
        if time <= self.time:
            return False
        self.time = time
        return True

    def number(self, rows: int) -> npt.NDArray[np.int64]:
        """Arrival numbers for the next rows."""
        first, self.arrivals = self.arrivals, self.arrivals + rows
        return np.arange(first, self.arrivals)

    def save(self) -> dict[str, pa.Table]:
        return {"progress": pa.table({"time": pa.array([self.time]), "arrivals": pa.array([self.arrivals])})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        row = tables["progress"].to_pylist()[0]
        self.time, self.arrivals = row["time"], row["arrivals"]

    @property
    def rows(self) -> int:
        return 0
