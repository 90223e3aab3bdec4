"""The text of a key, `sbx_<id>_<secret>`: an id that finds it, 256 random bits that prove it, a checksum against typos.

The shape follows GitHub's tokens (github.blog, "Behind GitHub's new authentication token formats"): a prefix that
secret scanners know, base62, and a CRC32 over everything before, so that a mistyped key never costs a storage read.
"""

import base64
import hashlib
import hmac
import re
import string
import zlib
from dataclasses import dataclass, field

PREFIX = "sbx"
PUBLISHABLE_PREFIX = "sbp"
"""Of keys that stand in web pages for all to see, so that whoever looks for leaked keys leaves them alone."""
ID_BYTES = 10
SECRET_BYTES = 32
RANDOM_BYTES = ID_BYTES + SECRET_BYTES

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET_CHARS = 43
_CHECKSUM_CHARS = 6
_SHAPE = re.compile(
    rf"((?:{PREFIX}|{PUBLISHABLE_PREFIX})_([a-z2-7]{{16}})_([0-9A-Za-z]{{{_SECRET_CHARS}}}))([0-9A-Za-z]{{{_CHECKSUM_CHARS}}})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A key as its holder has it. Printing it shows the id only."""

    id: str
    text: str = field(repr=False)
    secret: str = field(repr=False)


def mint(random: bytes, prefix: str = PREFIX) -> Token:
    """A new key from RANDOM_BYTES random bytes, 10 for the id and 32 for the secret."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a key is made of {RANDOM_BYTES} random bytes, not {len(random)}")
    return remint(base64.b32encode(random[:ID_BYTES]).decode().lower(), random[ID_BYTES:], prefix)


def remint(id: str, random: bytes, prefix: str = PREFIX) -> Token:
    """Another secret for a key that exists, from SECRET_BYTES random bytes."""
    if len(random) != SECRET_BYTES:
        raise ValueError(f"a secret is made of {SECRET_BYTES} random bytes, not {len(random)}")
    secret = _base62(int.from_bytes(random, "big"), _SECRET_CHARS)
    checked = f"{prefix}_{id}_{secret}"
    return Token(id, checked + _checksum(checked), secret)


def parse(text: str) -> Token | None:
    """The key that a text is, or None when it cannot be one: wrong shape or wrong checksum."""
    match = _SHAPE.fullmatch(text)
    if match is None or match[4] != _checksum(match[1]):
        return None
    return Token(match[2], text, match[3])


def hash_secret(secret: str) -> str:
    """What is stored of a secret: its SHA-256 in hex."""
    # A slow hash protects secrets that people choose. Nobody searches 256 random bits, however fast the hash is,
    # and a slow one would be a door for flooding, because it runs before the caller is known.
    return hashlib.sha256(secret.encode()).hexdigest()


def matches(secret: str, stored_hash: str) -> bool:
    """Whether the secret is the one that was stored, in a time that does not depend on where they differ."""
    return hmac.compare_digest(hash_secret(secret), stored_hash)


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM_CHARS)


def _base62(value: int, width: int) -> str:
    digits = []
    for _ in range(width):
        value, digit = divmod(value, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))
