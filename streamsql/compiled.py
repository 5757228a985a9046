"""Whether code that numba compiled is at hand: optional, never needed, the same answers in less processor time.

A caller asks `kernels(rows)` and does without where that is None. How far a job goes for them is said by the setting
`streamsql.compiled`: 'auto', the default, begins to load them once the process has brought enough rows to such callers,
in a thread of its own, so that nothing waits for a compiler; 'on' loads them before the job's first step; 'off' leaves
them alone.
"""

from __future__ import annotations

import atexit
import threading
from contextvars import ContextVar
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from streamsql.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

SETTING = "streamsql.compiled"
MODES = ("auto", "on", "off")
ENOUGH = 1 << 26
"""So many rows of callers take about two seconds more without kernels; loading them beside a running query takes one,
most of it because both need Python's lock."""

_mode = ContextVar("compiled", default="auto")


class _Library:
    """The compiled module of this process, once it is ready."""

    def __init__(self) -> None:
        self.module: ModuleType | None = None
        self._rows = 0
        self._loading: threading.Thread | None = None
        self._ending = threading.Event()
        self._one_at_a_time = threading.Lock()

    def count(self, rows: int) -> None:
        """So many rows could have used it; begin to load it when there have been enough."""
        self._rows += rows
        if self._rows < ENOUGH or self._loading is not None:
            return
        self._loading = threading.Thread(target=self.load, name="streamsql compiled", daemon=True)
        # A compiler must not be at work while the process takes itself apart.
        atexit.register(self._end)
        self._loading.start()

    def load(self) -> None:
        """Import and compile, or read what was compiled before; nothing happens where numba cannot be imported."""
        with self._one_at_a_time:
            if self.module is not None:
                return
            try:
                from streamsql import compiled_kernels

                for kernel, arguments in compiled_kernels.KERNELS.items():
                    if self._ending.is_set():
                        return
                    kernel.compile(arguments)
            except (ImportError, OSError):  # no numba, one that does not fit numpy, or no room for what it compiles
                return
            self.module = compiled_kernels

    def _end(self) -> None:
        self._ending.set()
        if self._loading is not None:
            self._loading.join()


_library = _Library()


def kernels(rows: int) -> ModuleType | None:
    """The module `compiled_kernels` for a caller with so many rows; None: without."""
    mode = _mode.get()
    if mode == "off":
        return None
    if _library.module is None and mode == "auto":
        _library.count(rows)
    return _library.module


def plain(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The numbers as kernels take them: side by side, at addresses of whole words."""
    return values if values.flags.c_contiguous and values.flags.aligned else values.copy()


def use(mode: str) -> None:
    """Go by this mode in this thread from now on; 'on' returns once the kernels are there."""
    _mode.set(mode)
    if mode == "on" and _library.module is None:
        _library.load()


def checked_mode(key: str, value: str) -> str:
    """The value of the setting; UsageError where it is none, or 'on' without numba."""
    mode = value.lower()
    if mode not in MODES:
        raise UsageError(f"'{key}' = '{value}': it is 'auto', 'on' or 'off'")
    if mode == "on" and find_spec("numba") is None:
        raise UsageError(f"'{key}' = 'on': numba is not installed", hint="pip install 'streamsql-engine[fast]'")
    return mode
