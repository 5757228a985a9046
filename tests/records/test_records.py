"""A record is a frozen dataclass in all that callers see."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields, is_dataclass, replace
from typing import Any, ClassVar

import pytest

from streamsql.record import record


@record
class Token:
    text: str
    line: int = 1
    notes: list[str] = field(default_factory=list, hash=False)
    span: int | None = field(default=None, compare=False, repr=False)


@record(kw_only=True)
class Node:
    """A node with a name."""

    name: str
    span: int | None = field(default=None, compare=False, repr=False)
    kinds: ClassVar[tuple[str, ...]] = ("node",)


@record
class Leaf(Node):
    value: int

    def doubled(self) -> int:
        return 2 * self.value


@record
class Measured:
    text: str
    length: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", len(self.text))


@record(frozen=False)
class Counter:
    name: str
    count: int = 0


@record(eq=False, frozen=False)
class Watch:
    count: int = 0


@record
class Nothing:
    pass


@record(eq=False)
class Closure:
    text: str


@record
class Folded:
    text: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Folded) and self.text.lower() == other.text.lower()

    def __hash__(self) -> int:
        return hash(self.text.lower())

    def __repr__(self) -> str:
        return f"<{self.text}>"


def test_fields_are_put_by_position_by_name_and_by_default() -> None:
    token = Token("a", line=2)
    assert (token.text, token.line, token.notes, token.span) == ("a", 2, [], None)
    assert Token("a", 2, ["n"], 7).span == 7
    assert Token("a").notes is not Token("a").notes
    leaf = Leaf(3, name="x")
    assert (leaf.value, leaf.name, leaf.span, leaf.doubled()) == (3, "x", None, 6)
    assert Leaf(name="x", value=3, span=1) == leaf


def test_what_is_not_compared_counts_neither_in_equality_nor_in_hash() -> None:
    assert Leaf(1, name="x", span=1) == Leaf(1, name="x", span=2)
    assert hash(Leaf(1, name="x", span=1)) == hash(Leaf(1, name="x", span=2))
    assert Leaf(1, name="x") != Leaf(2, name="x")
    assert len({Leaf(1, name="x"), Leaf(1, name="x", span=5), Leaf(1, name="y")}) == 2


def test_a_field_outside_the_hash_still_compares() -> None:
    assert hash(Token("a", notes=["n"])) == hash(Token("a"))
    assert Token("a", notes=["n"]) != Token("a")


def test_records_of_two_classes_are_never_equal() -> None:
    @record
    class Other:
        text: str

    @record
    class Same:
        text: str

    assert Other("a") != Same("a")
    assert Other("a") != "a"
    assert Nothing() == Nothing() and hash(Nothing()) == hash(Nothing())


def test_without_equality_an_object_equals_only_itself() -> None:
    one = Closure("a")
    assert one == one and one != Closure("a")
    assert {one: 1}[one] == 1


def test_methods_of_the_class_itself_are_kept() -> None:
    assert Folded("A") == Folded("a")
    assert len({Folded("A"), Folded("a")}) == 1
    assert repr(Folded("A")) == "<A>"


def test_text_shows_the_fields_in_order() -> None:
    assert repr(Token("a", span=3)) == "Token(text='a', line=1, notes=[])"
    assert repr(Leaf(1, name="x")) == "Leaf(name='x', value=1)"
    assert repr(Nothing()) == "Nothing()"


def test_nothing_can_be_assigned_or_deleted() -> None:
    token = Token("a")
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'text'"):
        token.text = "b"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'new'"):
        token.new = 1  # type: ignore[attr-defined]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'text'"):
        del token.text
    assert token.text == "a" and not hasattr(token, "__dict__")


def test_fields_of_what_is_not_frozen_can_be_assigned() -> None:
    counter = Counter("a")
    counter.count += 2
    assert counter == Counter("a", 2) and repr(counter) == "Counter(name='a', count=2)"
    assert not hasattr(counter, "__dict__")
    with pytest.raises(AttributeError):
        counter.new = 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="unhashable type: 'Counter'"):
        hash(counter)
    watch = Watch()
    assert {watch: 1}[watch] == 1 and watch != Watch()


def test_what_is_not_frozen_stays_so_when_many_are_made() -> None:
    counters = [Counter("a", count=each) for each in range(600)]
    counters[-1].count += 1
    assert counters[-1] == Counter("a", 600)


def test_a_default_that_could_change_is_refused() -> None:
    with pytest.raises(ValueError, match="share the default of notes: use default_factory"):

        @record
        class Shared:
            notes: list[str] = []  # noqa: RUF012


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda make: make(), "Token: missing a required argument: 'text'"),
        (lambda make: make(line=2), "Token: missing a required argument: 'text'"),
        (lambda make: make("a", 1, [], None, 5), "Token: too many positional arguments"),
        (lambda make: make("a", text="b"), "Token: multiple values for argument 'text'"),
        (lambda make: make("a", colour="red"), "Token: got an unexpected keyword argument 'colour'"),
        (lambda make: make(txt="a", line=1, notes=[], span=None), "Token: missing a required argument: 'text'"),
    ],
)
def test_arguments_that_do_not_fit_are_type_errors(make: Callable[[Any], Any], problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        make(Token)


def test_fields_by_name_only_and_fields_that_are_not_given() -> None:
    with pytest.raises(TypeError, match="Node: too many positional arguments"):
        Node("x")  # type: ignore[misc]
    with pytest.raises(TypeError, match=r"Leaf: missing a required.* argument: 'name'"):
        Leaf(1)  # type: ignore[call-arg]
    assert Measured("abc").length == 3
    with pytest.raises(TypeError, match="unexpected keyword argument 'length'"):
        Measured("abc", length=3)  # type: ignore[call-arg]


def test_it_is_a_dataclass_to_the_standard_library() -> None:
    assert is_dataclass(Leaf)
    assert [each.name for each in fields(Leaf)] == ["name", "span", "value"]
    assert Leaf.kinds == ("node",) and Node.__doc__ == "A node with a name."
    changed = replace(Leaf(1, name="x", span=4), value=2)
    assert (changed.name, changed.value, changed.span) == ("x", 2, 4)
    assert replace(Measured("abc"), text="ab").length == 2
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        replace(Token("a"), colour="red")  # type: ignore[call-arg]


def test_patterns_match_by_position_and_by_name() -> None:
    match Token("a", 5):
        case Token(text, 5):
            assert text == "a"
        case _:
            pytest.fail("the pattern should match")
    assert (Token.__match_args__, Leaf.__match_args__) == (("text", "line", "notes", "span"), ("value",))


def test_copies_and_pickles_are_equal() -> None:
    leaf = Leaf(1, name="x", span=4)
    for made in (copy.copy(leaf), copy.deepcopy(leaf), pickle.loads(pickle.dumps(leaf))):
        assert made == leaf and made.span == 4


def test_a_plain_frozen_dataclass_cannot_be_made_of_a_record() -> None:
    with pytest.raises(TypeError, match="cannot inherit frozen dataclass from a non-frozen one"):

        @dataclass(frozen=True)
        class Mixed(Node):
            pass


def test_the_thousandth_object_is_made_as_the_first_one() -> None:
    @record
    class Often(Node):
        text: str
        line: int = 1
        notes: list[str] = field(default_factory=list)
        length: int = field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "length", len(self.text))

    made = [Often("abc", name="x") for _ in range(1_000)]
    assert "__init__" in vars(Often) and vars(Often)["__init__"] is not vars(Node)["__init__"]
    assert made[0] == made[-1] and repr(made[0]) == repr(made[-1])
    made[0].notes.append("mine")
    assert (made[-1].notes, made[-1].length, made[-1].line, made[-1].span) == ([], 3, 1, None)
    assert replace(made[-1], text="ab", name="y") == Often("ab", name="y")
    with pytest.raises(FrozenInstanceError):
        made[-1].text = "other"  # type: ignore[misc]
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        Often("abc", name="x", colour="red")  # type: ignore[call-arg]
