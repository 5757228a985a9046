"""How the command line starts quickly.

It goes no further than the process of the command line: an embedder's process is the embedder's.
"""

from __future__ import annotations

import gc
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

_DESCRIPTIONS = "pyarrow.vendored.docscrape"


def start_quickly() -> None:
    """All of this module, in the order that it needs. Comes before numpy and pyarrow are imported."""
    collect_garbage_rarely()
    start_no_algebra_threads()
    keep_pandas_out()
    import_arrow_without_help()


def collect_garbage_rarely() -> None:
    """Let the garbage collector wait for more objects than starting makes: nearly all of those stay, and going
    through them again and again takes longer than reading the script."""
    gc.set_threshold(300_000, 20, 100)


def start_no_algebra_threads() -> None:
    """Let numpy's linear algebra do without threads, unless the environment asks for some: no query needs them, and
    they spin for a while when they are started. Comes before numpy is imported."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


class _WithoutPandas:
    """A finder before all others, to which there is no pandas."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not looked for while the command line starts", name="pandas")
        return None


def keep_pandas_out() -> None:
    """Let pyarrow find out now that there is no pandas.

    Where pandas is installed, pyarrow imports it when it first meets a numpy array, which takes longer than most
    scripts run. The command line never needs it, so pyarrow is made to look for it while it cannot be found; whoever
    imports pandas afterwards still gets it.
    """
    if "pandas" in sys.modules:
        return
    import numpy as np
    import pyarrow as pa

    finder = _WithoutPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array(np.zeros(1))  # two places in pyarrow look for it, each once: arrays ...
        pa.scalar(0.0)  # ... and the conversion of Python values
    finally:
        sys.meta_path.remove(finder)


def import_arrow_without_help() -> None:
    """Import pyarrow.compute without the descriptions of its functions' options.

    It takes apart over a hundred texts for `help(pyarrow.compute.…)`, half as long as the rest of that import. So the
    module that does it is replaced while it is imported by one that finds nothing in any text.
    """
    if "pyarrow.compute" in sys.modules or _DESCRIPTIONS in sys.modules:
        return
    nothing = ModuleType(_DESCRIPTIONS)
    vars(nothing)["NumpyDocString"] = lambda text: defaultdict(list)
    sys.modules[_DESCRIPTIONS] = nothing
    try:
        import pyarrow.compute  # noqa: F401
    finally:
        del sys.modules[_DESCRIPTIONS]
