"""Redaction: a request with a substitute for each of its values, so that it can be shown and kept as a fixture.

Nothing is kept but what is known to be nobody's: the vendor's types and words, the names and literals of mappings, codes
of currencies, and what has neither letters nor digits. The same value has the same substitute everywhere in one request.
"""

import re
from collections.abc import Collection, Iterator, Mapping

from shared.exact import Json, Number
from shared.substitutes import CONSTANTS, is_hexadecimal, is_whole, longer, substitute

_LONGEST_ECHO = 3
"""Characters of a value that a substitute may happen to have as well."""
_MAX_TRIES = 60
"""Substitutes that are tried for one value; each ten are longer by a character."""
_TRIES_A_LENGTH = 10
_MAX_MORE = 20_000
"""Second and later tries for all values of a request. Where there are so many that hardly any other is left, a substitute may be
another one's value by chance, which tells nothing."""
_APART = 100_000
"""More than there are values in a request (`exact.MAX_VALUES`), so that a second try is nobody's first."""
_BLANK = re.compile(r"[^A-Za-z1-9\u0080-\U0010ffff]*")
_WORDS = re.compile(r"[^\s]+")
_TOKENS = re.compile(r"[\w.+@-]+")
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)
_NAME = re.compile(r"[$@]?[^\W\d][\w .:/$-]{0,63}")
_LIKE_DATA = re.compile(r"\d{4}|[0-9a-f]{8}-|[\w.+-]@", re.ASCII | re.IGNORECASE)


def tokens_of(text: str) -> list[str]:
    """The values of what is no JSON, as `Redaction.raw` replaces them."""
    return _TOKENS.findall(text)


class Redaction:
    """The substitutes of one request, given in the order in which they are asked for.

    `known`: what is kept. `given`: every value of the request, so that no substitute repeats one of them.
    """

    def __init__(self, known: Collection[str], *given: Json) -> None:
        self._known = {one.casefold() for one in known}
        self._table: dict[str, str] = {}
        self._used: set[str] = set()
        self._tries_left = _MAX_MORE
        self._echoes = _Echoes()
        for text in (one for doc in given for one in _texts(doc)):
            if not self._is_kept(text):
                self._echoes.add(text)

    def value(self, value: Json, name: str = "") -> Json:
        """The same JSON of substitutes; `name` is that of the member that it stands in."""
        if isinstance(value, Number):
            return Number(self.text(value.text))
        if isinstance(value, str):
            is_currency = "currency" in name.casefold() and _CURRENCY.fullmatch(value)
            return value if is_currency else self.text(value)
        if isinstance(value, Mapping):
            return {self.name(one): self.value(member, one) for one, member in value.items()}
        return [self.value(item, name) for item in value] if isinstance(value, list) else value

    def name(self, name: str) -> str:
        """A member's name as it is, unless it looks like data."""
        if name.casefold() in self._known or (_NAME.fullmatch(name) and not _LIKE_DATA.search(name)):
            return name
        return self.text(name)

    def text(self, text: str) -> str:
        """What stands for a text. Each of several words has a substitute of its own."""
        if self._is_kept(text):
            return text
        if is_hexadecimal(text) and text != text.lower():
            return self.text(text.lower()).upper()
        if text not in self._table and len(text.split()) > 1 and not is_whole(text):
            joined = _WORDS.sub(lambda word: self.text(word[0]), text)
            if not self._echoes.within(joined):
                self._table[text] = joined
        return self._table.get(text) or self._new(text)

    def raw(self, text: str) -> str:
        """The same for what is no JSON: its punctuation stays, so that it is as wrong as it was."""
        return _TOKENS.sub(lambda token: self.text(token[0]), text)

    def _is_kept(self, text: str) -> bool:
        return text.casefold() in self._known or _BLANK.fullmatch(text) is not None

    def _new(self, text: str) -> str:
        number = len(self._table) + 1
        for n in range(_MAX_TRIES):
            self._tries_left -= n > 0
            made = substitute(longer(text, n // _TRIES_A_LENGTH), number + n * _APART)
            if made != text and made not in self._used and not self._echoes.within(made):
                break
            if self._tries_left <= 0 and made != text:
                break
        self._used.add(made)
        self._table[text] = made
        return made


class _Echoes:
    """The values of a request, to find whether a text repeats one of more than _LONGEST_ECHO characters."""

    def __init__(self) -> None:
        self._lengths: dict[str, set[int]] = {}
        self._values: set[str] = set()

    def add(self, value: str) -> None:
        folded = value.casefold()
        if len(folded) > _LONGEST_ECHO and not any(folded in one for one in CONSTANTS):
            self._values.add(folded)
            self._lengths.setdefault(folded[: _LONGEST_ECHO + 1], set()).add(len(folded))

    def within(self, text: str) -> bool:
        folded = text.casefold()
        for at in range(len(folded) - _LONGEST_ECHO):
            lengths = self._lengths.get(folded[at : at + _LONGEST_ECHO + 1], ())
            if any(folded[at : at + length] in self._values for length in lengths):
                return True
        return False


def _texts(value: Json) -> Iterator[str]:
    """Every value as a text, and the words of texts that are several."""
    if isinstance(value, str | Number):
        yield str(value)
        yield from str(value).split()
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
