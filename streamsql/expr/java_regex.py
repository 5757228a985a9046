r"""Java's regular expressions as RE2's, which Arrow and DuckDB share.

What means something else there is rewritten (`.`, `\s`, `\h`, `\uXXXX`, `\p{Alpha}`, `\Q…\E`); what RE2 cannot do
(look-around, back references, possessive quantifiers, set operations) is refused, never taken for something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field

from streamsql.expr.signatures import Mismatch
from streamsql.record import record

_LINE_ENDS = r"\n\r\x{85}\x{2028}\x{2029}"
_BLANKS = r" \t\x{a0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}"
_SPACES = r" \t\n\x0b\f\r"
_VERTICAL = r"\n\x0b\f\r\x{85}\x{2028}\x{2029}"
_SETS = {"s": _SPACES, "h": _BLANKS, "v": _VERTICAL}
_POSIX = ("Lower", "Upper", "ASCII", "Alpha", "Digit", "Alnum", "Punct", "Graph", "Print", "Blank", "Cntrl", "XDigit",
          "Space")  # fmt: skip
_PROPERTIES = {"IsAlphabetic": "L", "IsLetter": "L", "IsLowercase": "Ll", "IsUppercase": "Lu", "IsDigit": "Nd"}
_LOOKS = {"=": "look-ahead", "!": "look-ahead", "<=": "look-behind", "<!": "look-behind", ">": "an atomic group"}
_QUANTIFIER = re.compile(r"[*+?]|\{\d+(?:,\d*)?\}")


def java_regex(pattern: str) -> str:
    r"""The pattern for RE2; a Mismatch names what RE2 has not.

    >>> java_regex(r"[a-z\s]+\.x")
    '[a-z \\t\\n\\x0b\\f\\r]+\\.x'
    """
    return _Reader(pattern).read()


@record(frozen=False)
class _Reader:
    """Walks through a pattern once."""

    pattern: str
    place: int = 0
    in_class: bool = False
    quantified: bool = False
    parts: list[str] = field(default_factory=list)

    def read(self) -> str:
        any_character = "." if re.search(r"\(\?[a-z]*s[a-z]*[-:)]", self.pattern) else f"[^{_LINE_ENDS}]"
        while self.place < len(self.pattern):
            each = self.pattern[self.place]
            if each == "\\":
                self._escape()
            elif self.in_class:
                self._inside(each)
            elif each == "(" and self.pattern.startswith("(?", self.place):
                self._group()
            elif quantifier := _QUANTIFIER.match(self.pattern, self.place):
                self._quantifier(quantifier.group())
            else:
                self.in_class = each == "["
                self._take(any_character if each == "." else each, 1)
        return "".join(self.parts)

    def _take(self, text: str, length: int) -> None:
        self.parts.append(text)
        self.place += length
        self.quantified = False

    def _refuse(self, what: str) -> Mismatch:
        return Mismatch(f"{what} in the pattern '{self.pattern}' is not supported", "write it without")

    def _quantifier(self, text: str) -> None:
        if self.quantified and text == "+":
            raise self._refuse("a possessive quantifier")
        again = self.quantified
        self._take(text, len(text))
        self.quantified = not again

    def _inside(self, each: str) -> None:
        """Within [...]: no nested sets, no intersections."""
        if self.pattern.startswith("&&", self.place):
            raise self._refuse("an intersection (&&)")
        if each == "[" and not self.pattern.startswith("[:", self.place):
            raise self._refuse("a set inside a set")
        first = self.parts[-1] in ("[", "^") and not (self.parts[-1] == "^" and self.parts[-2:-1] != ["["])
        self.in_class = each != "]" or first
        self._take(each, 1)

    def _group(self) -> None:
        rest = self.pattern[self.place + 2 :]
        for sign, name in _LOOKS.items():
            if rest.startswith(sign):
                raise self._refuse(name)
        if named := re.match(r"<(\w+)>", rest):
            self._take(f"(?P<{named.group(1)}>", 2 + named.end())
            return
        flags = re.match(r"([a-zA-Z-]*)[:)]", rest)
        if flags is None or set(flags.group(1)) - set("ims-"):
            raise self._refuse("this kind of group")
        self._take(f"(?{flags.group()}", 2 + flags.end())

    def _escape(self) -> None:
        letter = self.pattern[self.place + 1 : self.place + 2]
        if letter in "123456789kGXZ" and letter and not (self.in_class and letter.isdigit()):
            raise self._refuse("a back reference" if letter in "123456789k" else f"\\{letter}")
        if letter == "Q":
            end = self.pattern.find("\\E", self.place)
            text = self.pattern[self.place + 2 : end if end >= 0 else None]
            self._take(re.escape(text), len(text) + (4 if end >= 0 else 2))
        elif letter.lower() in _SETS:
            self._take(self._set(_SETS[letter.lower()], letter.isupper()), 2)
        elif letter in _ESCAPES:
            text, length = _ESCAPES[letter](self.pattern[self.place + 2 :])
            self._take(text, 2 + length)
        elif letter in "pP":
            self._property(letter)
        else:
            self._take(f"\\{letter}", 2)

    def _set(self, members: str, negated: bool) -> str:
        if self.in_class and negated:
            raise self._refuse("\\S, \\H or \\V inside a set")
        return members if self.in_class else f"[{'^' if negated else ''}{members}]"

    def _property(self, letter: str) -> None:
        found = re.match(r"\{(\w+)\}|([A-Z])", self.pattern[self.place + 2 :])
        if found is None:
            raise self._refuse(f"\\{letter}")
        name, negated = found.group(1) or found.group(2), letter == "P"
        if name in _POSIX:
            text = f"[:{'^' if negated else ''}{name.lower()}:]"
            self._take(text if self.in_class else f"[{text}]", 2 + found.end())
        elif name.startswith(("In", "java")):
            raise self._refuse(f"\\{letter}{{{name}}}")
        else:
            plain = _PROPERTIES.get(name, name.removeprefix("Is"))
            self._take(f"\\{letter}{{{plain}}}", 2 + found.end())


def _hexadecimal(rest: str) -> tuple[str, int]:
    return f"\\x{{{rest[:4]}}}", 4


def _octal(rest: str) -> tuple[str, int]:
    digits = re.match(r"[0-3]?[0-7]{1,2}", rest)
    text = digits.group() if digits else ""
    return f"\\x{{{int(text or '0', 8):x}}}", len(text)


_ESCAPES: dict[str, Callable[[str], tuple[str, int]]] = {
    "u": _hexadecimal,
    "0": _octal,
    "e": lambda rest: (r"\x1b", 0),
    "R": lambda rest: (rf"(?:\r\n|[{_VERTICAL}])", 0),
}
