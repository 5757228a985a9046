"""How the command line starts quickly: what it sets before the libraries come, and what of them it leaves out.

It goes no further than the process of the command line: an embedder's process is the embedder's.
"""

from __future__ import annotations

import gc
import inspect
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

_MASKED_ARRAYS = "numpy.ma"


def start_quickly() -> None:
    """All of this module, in the order that it needs. Comes before numpy and pyarrow are imported."""
    collect_garbage_rarely()
    start_no_algebra_threads()
    import_numpy_without_help()
    put_masked_arrays_off()
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


def import_numpy_without_help() -> None:
    """Import numpy without the texts for `help(…)` that it hands to its compiled functions one by one."""
    if "numpy" in sys.modules:
        return
    with _in_place(ModuleType("numpy._core._add_newdocs"), ModuleType("numpy._core._add_newdocs_scalars")):
        import numpy  # noqa: F401


class _NumpyForArrow(ModuleType):
    """numpy as pyarrow sees it: without masked arrays, until someone imports them."""

    no_masked_arrays = SimpleNamespace(MaskedArray=type("MaskedArray", (), {}))

    @property
    def ma(self) -> Any:
        """numpy.ma; before it is imported, nothing can be a masked array."""
        return sys.modules.get(_MASKED_ARRAYS, self.no_masked_arrays)


def put_masked_arrays_off() -> None:
    """Let pyarrow, which asks of each numpy array whether it is a masked one, not import numpy.ma for the answer."""
    import numpy as np
    from pyarrow import lib

    if _MASKED_ARRAYS not in sys.modules and getattr(lib, "np", None) is np:
        lib.np = _NumpyForArrow("numpy")
        vars(lib.np).update(vars(np))


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
    """Import pyarrow.compute without the descriptions and signatures of its functions.

    It takes apart over a hundred texts, and the signatures of as many classes, for `help(pyarrow.compute.…)`: most of
    that import.
    """
    if "pyarrow.compute" in sys.modules:
        return
    without_descriptions = _module("pyarrow.vendored.docscrape", NumpyDocString=lambda text: defaultdict(list))
    without_signatures = _module(
        "inspect",
        **vars(inspect)
        | {
            "Parameter": _EmptyParameter,
            "Signature": lambda parameters: None,
            "signature": lambda options: SimpleNamespace(parameters={}),
        },
    )
    with _in_place(without_descriptions, without_signatures, _module("textwrap", dedent=lambda text: text)):
        import pyarrow.compute  # noqa: F401


class _EmptyParameter(inspect.Parameter):
    """One that is made at once."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass


def _module(name: str, /, **contents: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(contents)
    return made


@contextmanager
def _in_place(*stand_ins: ModuleType) -> Iterator[None]:
    """Let these modules be imported instead of those of their names."""
    before = {each.__name__: sys.modules.get(each.__name__) for each in stand_ins}
    sys.modules.update({each.__name__: each for each in stand_ins})
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
