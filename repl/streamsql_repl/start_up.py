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
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from threading import RLock
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
    put_sqlglot_off()


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
    texts = ModuleType("numpy._core._add_newdocs"), ModuleType("numpy._core._add_newdocs_scalars")
    with _in_place(*texts, _module("numpy._typing._add_docstring", _docstrings="")):
        import numpy.typing  # noqa: F401


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


class _PackageOnDemand(ModuleType):
    """A package whose own code runs when something of it is asked for that is no module of it."""

    _turn = RLock()
    _has_run = False

    def __getattr__(self, name: str) -> Any:
        if find_spec(f"{self.__name__}.{name}") is not None:
            raise AttributeError(f"{self.__name__}.{name} has not been imported")
        if name == "exp":  # its modules ask for this while they are imported
            return import_module("sqlglot.expressions")
        with self._turn:
            if not self._has_run:
                self._has_run = True
                assert self.__spec__ is not None and self.__spec__.loader is not None
                self.__spec__.loader.exec_module(self)
        try:
            return vars(self)[name]
        except KeyError:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None


def put_sqlglot_off() -> None:
    """Let sqlglot's own parser, generator and dialects not be imported with its trees, which are all that is needed to
    bind SQL: the package is there, its modules can be imported, and its code runs for whoever wants more of it."""
    import streamsql.sql  # noqa: F401  (settles first which form of sqlglot is found)

    spec = find_spec("sqlglot")
    if "sqlglot" in sys.modules or spec is None:
        return
    package = _PackageOnDemand("sqlglot")
    vars(package).update(vars(module_from_spec(spec)))
    sys.modules["sqlglot"] = package


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
