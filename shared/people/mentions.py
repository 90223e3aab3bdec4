"""Mentions: the identifiers that can be told in what somebody sent by their form alone: e-mail addresses and phone numbers."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from urllib.parse import unquote_plus

from shared.event import Person
from shared.exact import Json, Number
from shared.people.identifiers import MAX_LENGTH, Identifier, identifiers

_AT = re.compile(r"(?<=[\w.+'-])@(?=\w)")
_LOCAL_BACKWARDS = re.compile(r"[\w.+'-]{1,64}")
"""At most 64 characters: RFC 5321, section 4.5.3.1.1. Read backwards from the @, it takes one look."""
_LONGEST_LOCAL = 64
_AROUND = ".'-"
"""What begins no address, but stands before one in a text."""
_DOMAIN = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_PHONE = re.compile(r"(?<![\w+])(?:\+|00)\d[\d\s().-]{5,22}\d(?!\w)", re.ASCII)
_PHONE_NAME = re.compile(r"phone|mobile|msisdn|sms|tel|cell", re.IGNORECASE)
_NATIONAL = re.compile(r"[\d\s()./-]{6,25}", re.ASCII)


def mentioned(payload: Json, country: str) -> Iterator[Identifier]:
    """What some JSON mentions, the same perhaps more than once: in any text, and in members named like a phone's.

    `country` (ISO 3166-1) completes national phone numbers.
    """
    for name, text in _texts("", payload):
        yield from mentioned_in_text(text, country)
        if _PHONE_NAME.search(name) and _NATIONAL.fullmatch(text):
            yield from identifiers(Person(mobile=text), country)


def mentioned_in_text(text: str, country: str) -> Iterator[Identifier]:
    """What a text mentions: addresses, and phone numbers in international form. Of a form's text, decoded too."""
    text = text if text.isascii() else unicodedata.normalize("NFKC", text)
    for address in dict.fromkeys(_addresses(text)):
        yield from identifiers(Person(email=address), country)
    for phone in dict.fromkeys(found[0] for found in _PHONE.finditer(text)):
        yield from identifiers(Person(mobile=phone), country)
    if "%40" in text or "%2B" in text:
        yield from mentioned_in_text(unquote_plus(text).replace("%", ""), country)


def _addresses(text: str) -> Iterator[str]:
    if "@" in text and len(text) <= MAX_LENGTH:
        yield text
    for at in _AT.finditer(text):
        before = text[max(0, at.start() - _LONGEST_LOCAL) : at.start()]
        local, domain = _LOCAL_BACKWARDS.match(before[::-1]), _DOMAIN.match(text, at.end())
        if local and domain:
            yield f"{local[0][::-1].lstrip(_AROUND)}@{domain[0]}"


def _texts(name: str, value: Json) -> Iterator[tuple[str, str]]:
    """Every text with the name of the member that it stands in; a number of a phone's length is one, too."""
    if isinstance(value, str | Number):
        yield name, str(value)
    elif isinstance(value, Mapping):
        for member, below in value.items():
            yield "", member
            yield from _texts(member, below)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(name, item)
