"""`@record`: a frozen dataclass whose methods are shared by all, so that making the class costs next to nothing.

A plain dataclass writes the text of its methods and compiles it each time the program starts: a third of a millisecond
a class, of which there are hundreds. A record is a dataclass too, to `fields`, `replace`, `match` and type checkers,
but its methods are those of `_Record`, which look up the fields of their object's class. A class of which many objects
are made, as in every step of a query, gets an `__init__` of its own after all.

>>> @record
... class Point:
...     x: int
...     y: int = 0
>>> Point(1), Point(1) == Point(1, y=0)
(Point(x=1, y=0), True)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields, make_dataclass
from functools import cache, cached_property
from inspect import Parameter, Signature
from operator import attrgetter
from typing import Any, NoReturn, TypeVar, dataclass_transform, overload

T = TypeVar("T")
_MANY = 512
"""So many objects pay for compiling an `__init__` for their class."""


@overload
def record(cls: type[T], /) -> type[T]: ...


@overload
def record(*, eq: bool = True, kw_only: bool = False, frozen: bool = True) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T] | None = None, /, *, eq: bool = True, kw_only: bool = False, frozen: bool = True) -> Any:
    """Make a class of annotated fields a frozen value with slots.

    `eq` False: two are equal only if they are the same object. `kw_only`: fields are given by name. `frozen` False: its
    fields can be assigned, and it has no hash unless `eq` is False. `field(...)`, inheritance and `__post_init__` work
    as in a dataclass, but that a field with `init=False` has no default. Methods that the class defines itself are
    kept.
    """

    def make(cls: type[T]) -> type[T]:
        methods = _METHODS | (_FROZEN if frozen else {})
        if eq and "__eq__" not in vars(cls):
            methods |= _EQUALITY if frozen else _EQUALITY_ALONE
        return _with_slots(cls, methods, kw_only)

    return make if cls is None else make(cls)


def _with_slots(cls: type[T], methods: dict[str, Any], kw_only: bool) -> type[T]:
    """The class once more, its fields slots; what it defines itself goes before the methods."""
    inherited: dict[str, Field[Any]] = {}
    for base in reversed(cls.__mro__[1:]):
        inherited |= getattr(base, _FIELDS, {})
    own = {
        name: _field(cls, name, type_, kw_only)
        for name, type_ in cls.__annotations__.items()
        if not str(type_).startswith(("ClassVar", "typing.ClassVar"))
    }
    every = inherited | own
    contents = {name: each for name, each in vars(cls).items() if name not in own and name not in _OF_OBJECTS}
    described = {
        "__qualname__": cls.__qualname__,
        "__slots__": tuple(each for each in own if each not in inherited),
        "__match_args__": tuple(each.name for each in every.values() if each.init and not each.kw_only),
        _FIELDS: every,
        _PARAMETERS: vars(_Example)[_PARAMETERS],
    }
    make: Any = type(cls)
    made: type[T] = make(cls.__name__, cls.__bases__, methods | contents | described)
    return made


def _field(cls: type, name: str, type_: Any, kw_only: bool) -> Any:
    default = vars(cls).get(name, MISSING)
    if default.__class__.__hash__ is None:
        raise ValueError(f"all objects of {cls.__name__} would share the default of {name}: use default_factory")
    made: Any = default if isinstance(default, Field) else field(default=default)
    made.name, made.type, made._field_type = name, type_, _ORDINARY
    made.kw_only = kw_only if made.kw_only is MISSING else made.kw_only
    return made


class _Record:
    """The methods of all records."""

    def __init__(self, /, *values: Any, **named: Any) -> None:
        shape = _shape(self.__class__)
        given: Sequence[Any] = values
        if named or len(values) != shape.all_by_position:
            given = shape.complete(values, named)
        for put, value in zip(shape.setters, given, strict=True):
            put(self, value)
        if shape.post_init is not None:
            shape.post_init(self)
        shape.made += 1
        if shape.made >= _MANY:
            shape.compile_init()

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        compared = _shape(self.__class__).compared
        return bool(compared(self) == compared(other))

    def __hash__(self) -> int:
        return hash(_shape(self.__class__).hashed(self))

    def __repr__(self) -> str:
        shown = (f"{each.name}={getattr(self, each.name)!r}" for each in _fields(self.__class__) if each.repr)
        return f"{self.__class__.__qualname__}({', '.join(shown)})"

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __getstate__(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in _fields(self.__class__)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)


def _methods(*names: str) -> dict[str, Any]:
    return {name: vars(_Record)[name] for name in names}


_METHODS = _methods("__init__", "__repr__", "__getstate__", "__setstate__")
_FROZEN = _methods("__setattr__", "__delattr__")
_EQUALITY = _methods("__eq__", "__hash__")
_EQUALITY_ALONE = _methods("__eq__") | {"__hash__": None}


@dataclass(init=False, repr=False, eq=False, match_args=False)
class _Example:
    """A dataclass like which a record looks to the module dataclasses."""

    field: int


_FIELDS, _PARAMETERS = "__dataclass_fields__", "__dataclass_params__"
_ORDINARY = vars(_Example)[_FIELDS]["field"]._field_type
_OF_OBJECTS = ("__dict__", "__weakref__")
"""What a class without slots has for its objects."""


class _Shape:
    """The fields of one class, as its methods need them.

    `all_by_position`: how many values make an object without names; -1: some fields have to be named.
    `setters` put a value each, for `names`, the fields that the caller may give. `compared` and `hashed` give what
    stands for an object.
    """

    def __init__(self, cls: Any) -> None:
        given = [each for each in _fields(cls) if each.init]
        self.cls = cls
        self.names = [each.name for each in given]
        self.accepted = set(self.names)
        self.setters = [getattr(cls, each.name).__set__ for each in given]
        self.by_position = [each.name for each in given if not each.kw_only]
        self.all_by_position = len(given) if len(self.by_position) == len(given) else -1
        self.defaults = {each.name: each.default for each in given if each.default is not MISSING}
        self.factories = {each.name: each.default_factory for each in given if callable(each.default_factory)}
        self.post_init = getattr(cls, "__post_init__", None)
        self.frozen = cls.__setattr__ is _Record.__setattr__
        self.made = 0

    @cached_property
    def compared(self) -> Callable[[Any], Any]:
        return _getter([each for each in _fields(self.cls) if each.compare])

    @cached_property
    def hashed(self) -> Callable[[Any], Any]:
        return _getter([each for each in _fields(self.cls) if (each.compare if each.hash is None else each.hash)])

    def compile_init(self) -> None:
        """Give the class the `__init__` that a dataclass with its fields has, which takes a third of the time."""
        if vars(self.cls).get("__init__") is not _Record.__init__:
            return
        fields_ = [
            (each.name, Any, field(default=each.default, kw_only=bool(each.kw_only)))
            if each.default_factory is MISSING
            else (each.name, Any, field(default_factory=each.default_factory, kw_only=bool(each.kw_only)))
            for each in _fields(self.cls)
            if each.init
        ]
        # Without a text, a dataclass spells out the signature for one.
        methods = {"__doc__": self.cls.__doc__ or self.cls.__name__}
        if self.post_init is not None:
            methods["__post_init__"] = self.post_init
        twin = make_dataclass(self.cls.__name__, fields_, namespace=methods, repr=False, eq=False, frozen=self.frozen)
        setattr(self.cls, "__init__", vars(twin)["__init__"])  # noqa: B010 (mypy takes an assignment for unsound)

    def complete(self, values: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
        """A value for each of `names`, as Python takes arguments; TypeError where they do not fit."""
        if named.keys() == self.accepted and not values:  # as `replace` does
            return [named[name] for name in self.names]
        positional = dict(zip(self.by_position, values))  # noqa: B905 (too many are refused below)
        given = {**self.defaults, **positional, **named}
        for name, make in self.factories.items():
            if name not in given:
                given[name] = make()
        too_many = len(positional) < len(values) or not positional.keys().isdisjoint(named)
        if too_many or given.keys() != self.accepted:
            self._refuse(values, named)
        return [given[name] for name in self.names]

    def _refuse(self, values: tuple[Any, ...], named: dict[str, Any]) -> NoReturn:
        """Raise what Python says of these arguments."""
        optional = self.defaults.keys() | self.factories
        by_position = set(self.by_position)
        parameters = [
            Parameter(
                name,
                Parameter.POSITIONAL_OR_KEYWORD if name in by_position else Parameter.KEYWORD_ONLY,
                default=None if name in optional else Parameter.empty,
            )
            for name in (*self.by_position, *(name for name in self.names if name not in by_position))
        ]
        try:
            Signature(parameters).bind(*values, **named)
        except TypeError as problem:
            raise TypeError(f"{self.cls.__name__}: {problem}") from None
        raise AssertionError("arguments that do not fit were not refused")


def _getter(chosen: list[Field[Any]]) -> Callable[[Any], Any]:
    """What gets the values of these fields: a tuple, one alone bare."""
    return attrgetter(*(each.name for each in chosen)) if chosen else lambda value: ()


_fields: Callable[[Any], tuple[Field[Any], ...]] = cache(fields)
_shape: Callable[[Any], _Shape] = cache(_Shape)
