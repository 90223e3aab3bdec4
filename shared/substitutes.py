"""Substitutes: what takes a value's place in a fixture, of the same form, and made of nothing but that form and a number.

None is computed from the value, so nobody can try out values until one fits.
"""

import hashlib
import re
from collections.abc import Callable

_EMAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://\S+")
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d(?:([Tt ])\d\d:\d\d(:\d\d)?(\.\d{1,9})?(?:([Zz])|[+-]\d\d(:?)\d\d)?)?", re.ASCII
)
_MILLISECONDS = re.compile(r"(\\?/Date\()(-?\d{1,15})([+-]\d{4})?(\)\\?/)", re.ASCII)
"""A time as Dataverse writes it."""
_PHONE = re.compile(r"\+[\d\s().-]{7,24}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,}", re.ASCII | re.IGNORECASE)
_UNIX = re.compile(r"1\d{9}(?:\d{3})?", re.ASCII)
"""Seconds or milliseconds since 1970, as far as 2033; other numbers of that form are as well off."""
_NUMBER = re.compile(r"(-?(?:0|[1-9]\d*)(?:\.\d+)?)([eE][+-]?\d+)?", re.ASCII)
_DIGITS = "0123456789"
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_FAR_LETTERS, _SYMBOLS = "åäöéü", "·•◦‣"
CONSTANTS = (
    "person",
    "@example.com",
    "https://example.com/",
    "/date(",
    "+44 7700 900",
    "+447700900",
    "+0000",
)
"""What substitutes have in common, in lower case: no value of anybody's."""


def substitute(text: str, number: int) -> str:
    """What stands for a text; another `number` gives another one. An address, a URL, a time, a phone number, a hexadecimal
    id and a number stay what they are; of all else, each letter becomes a letter and each digit a digit.
    """
    random = _Bytes(number)
    for form, made in _FORMS:
        if (found := form.fullmatch(text)) and not (form is _HEX and text.isdigit()):
            return made(found, random)
    return _shaped(text, random)


def is_hexadecimal(text: str) -> bool:
    """Whether a text is an id in which upper and lower case are the same."""
    return _HEX.fullmatch(text) is not None and not text.isdigit()


def is_whole(text: str) -> bool:
    """Whether a text has a form of its own, so that its words are no words."""
    return any(form.fullmatch(text) for form, _ in _FORMS)


def longer(text: str, by: int) -> str:
    """A text of the same form with so many characters more, where forms of its length are too few for all values."""
    if found := _NUMBER.fullmatch(text):
        return found[1] + "7" * by + (found[2] or "")
    return text if is_whole(text) else text + "a" * by


class _Bytes:
    """As many choices as wanted, the same for the same number."""

    def __init__(self, number: int) -> None:
        self.number, self._block, self._left = number, 0, b""

    def of(self, choices: str) -> str:
        if not self._left:
            self._left = hashlib.sha256(f"{self.number}.{self._block}".encode()).digest()
            self._block += 1
        one, self._left = self._left[0], self._left[1:]
        return choices[one % len(choices)]


def _shaped(text: str, random: _Bytes) -> str:
    shaped: list[str] = []
    before, in_word = "", 0
    for one in text:
        in_word = in_word + 1 if one.isalpha() else 0
        shaped.append(_character(one, before, in_word, random))
        before = one
    return "".join(shaped)


def _character(one: str, before: str, in_word: int, random: _Bytes) -> str:
    if one in _DIGITS:
        # A number that begins with nought is none, and what is nought stays so at the front.
        first = before not in _DIGITS or not before
        return random.of(_DIGITS) if not first else one if one == "0" else random.of(_DIGITS[1:])
    if one.isascii():
        letter = random.of(_CONSONANTS if in_word % 2 else _VOWELS) if one.isalpha() else one
        return letter.upper() if one.isupper() else letter
    if one.isalpha():
        letter = random.of(_FAR_LETTERS)
        return letter.upper() if one.isupper() else letter
    return " " if one.isspace() else random.of(_SYMBOLS)


def _time(found: re.Match[str], random: _Bytes) -> str:
    """A time of the same form that there is, in UTC: of the past, because an event of the future is refused."""

    def two(lowest: int, count: int) -> str:
        return f"{lowest + int(random.of(_DIGITS) + random.of(_DIGITS)) % count:02}"

    text = f"20{two(0, 25)}-{two(1, 12)}-{two(1, 28)}"
    if found[1] is None:
        return text
    text += f"{found[1]}{two(0, 24)}:{two(0, 60)}" + (f":{two(0, 60)}" if found[2] else "")
    text += "." + "".join(random.of(_DIGITS) for _ in found[3][1:]) if found[3] else ""
    if found[4]:
        return text + found[4]
    return text + (f"+00{found[5]}00" if found[5] is not None else "")


def _milliseconds(found: re.Match[str], random: _Bytes) -> str:
    unix = _UNIX.fullmatch(found[2])
    return f"{found[1]}{_unix(unix, random) if unix else _shaped(found[2], random)}{'+0000' if found[3] else ''}{found[4]}"


def _unix(found: re.Match[str], random: _Bytes) -> str:
    return f"1{random.of(_DIGITS[:7])}" + "".join(random.of(_DIGITS) for _ in found[0][2:])


def _phone(found: re.Match[str], random: _Bytes) -> str:
    """One that nobody has: https://www.ofcom.org.uk/phones-and-broadband/phone-numbers/numbers-for-drama (mobile)."""
    known = "+447700900" if found[0][1:].isdigit() else "+44 7700 900"
    return f"{known}{random.number % 1000:03}"


def _hexadecimal(found: re.Match[str], random: _Bytes) -> str:
    return "".join(one if one == "-" else random.of("0123456789abcdef") for one in found[0])


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], _Bytes], str]], ...] = (
    (_EMAIL, lambda _, random: f"person{random.number}@example.com"),  # reserved: RFC 2606, section 3
    (_URL, lambda _, random: f"https://example.com/{random.number}"),
    (_TIME, _time),
    (_MILLISECONDS, _milliseconds),
    (_PHONE, _phone),
    (_HEX, _hexadecimal),
    (_UNIX, _unix),
    (_NUMBER, lambda found, random: _shaped(found[1], random) + (found[2] or "")),
)
