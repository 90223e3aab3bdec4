"""One verifier for every webhook sender that signs: how it signs is data, checking it is written once."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from shared import times
from shared.sources.received import Received

MAX_HEADER = 4096
"""Characters in a signature header."""
MAX_SIGNATURES = 16
"""Parts in a signature header: a sender that rotates its secret signs with two or three."""

_PLACE = re.compile(r"\{(\w+)\}")
_PLACES = {"method", "url", "url_decoded", "raw", "ts", "id"}
_RESERVED = re.compile("%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)
_DIGEST_BYTES = {"sha1": 20, "sha256": 32, "sha512": 64}
_PER_SECOND = {"s": 1, "ms": 1000}


@dataclass(frozen=True, slots=True)
class Timestamp:
    """Where the time of signing stands: in a header of its own, or in a member of a kv signature header."""

    headers: tuple[str, ...] = ()
    member: str = ""
    unit: Literal["s", "ms", "iso"] = "s"
    tolerance_seconds: int = 300


@dataclass(frozen=True, slots=True)
class Verifier:
    """How a sender signs.

    `headers`: names of the signature header, the first that is there counts.
    `when`: a header and the value that it must have for this scheme, where several share the signature header.
    `mac`: `hmac`, or `secret-first`: the plain hash of the secret followed by what is signed.
    `template`: what is signed, over {raw} {method} {url} {url_decoded} {ts} {id}.
    `key_prefixes`: cut off the secret, in this order, before it is decoded by `key_encoding`.
    `extract`: `plain`: the header is the signature; `prefix`: after `label`; `kv`: members named `label` in
    `a=1,b=2`; `list`: items `label,signature` between spaces. kv and list may hold several signatures.
    `between`: what stands between the members of kv.
    """

    headers: tuple[str, ...]
    template: str = "{raw}"
    mac: Literal["hmac", "secret-first"] = "hmac"
    hash: Literal["sha1", "sha256", "sha512"] = "sha256"
    key_encoding: Literal["utf8", "base64", "hex"] = "utf8"
    key_prefixes: tuple[str, ...] = ()
    extract: Literal["plain", "prefix", "kv", "list"] = "plain"
    label: str = ""
    between: Literal[",", ";"] = ","
    encoding: Literal["hex", "base64"] = "hex"
    timestamp: Timestamp | None = None
    id_headers: tuple[str, ...] = ()
    when: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        places = set(_PLACE.findall(self.template))
        if not places <= _PLACES or "raw" not in places:
            raise ValueError(f"the template {self.template} names {places} and must sign raw")
        if ("ts" in places) != (self.timestamp is not None) or ("id" in places) != bool(self.id_headers):
            raise ValueError("a time and an id are signed if and only if the verifier says where they stand")
        if (self.extract == "plain") == bool(self.label):
            raise ValueError("a label goes with prefix, kv and list")

    def is_present(self, received: Received) -> bool:
        """Whether the request carries a signature of this scheme."""
        return bool(received.header(*self.headers)) and (
            self.when is None or received.header(self.when[0]) == self.when[1]
        )


class Reason(StrEnum):
    """Why a request is not believed."""

    MISSING = "missing"
    MALFORMED = "malformed"
    MISMATCH = "mismatch"
    STALE = "stale"
    FUTURE = "future"


@dataclass(frozen=True, slots=True)
class Verified:
    """The request is the sender's; `secret` is the index of the secret that it was signed with."""

    secret: int


@dataclass(frozen=True, slots=True)
class Rejected:
    reason: Reason


def verify(
    verifier: Verifier, received: Received, secrets: Sequence[str], now: datetime
) -> Verified | Rejected:
    """Check a request against every secret (the current one first, then the previous). Never raises.

    The age is looked at last, so that `stale` and `future` speak of requests that the sender did sign.
    """
    try:
        header = _present(received.header(*verifier.headers))
        signatures = _signatures(verifier, header)
        stamp = _stamp(verifier, verifier.timestamp, received, header) if verifier.timestamp else ""
        signed_at = _seconds(verifier.timestamp, stamp) if verifier.timestamp else None
        secret = _match(verifier, _content(verifier, received, stamp), signatures, secrets)
        if verifier.timestamp and signed_at is not None:
            _check_age(now.timestamp() - signed_at, verifier.timestamp.tolerance_seconds)
    except _Refused as refused:
        return Rejected(refused.reason)
    return Verified(secret)


def key_of(verifier: Verifier, secret: str) -> bytes | None:
    """The HMAC key in a secret as the vendor shows it; None if it cannot be one, and no request ever fits it."""
    for prefix in verifier.key_prefixes:
        secret = secret.removeprefix(prefix)
    try:
        key = secret.encode() if verifier.key_encoding == "utf8" else _decode(verifier.key_encoding, secret)
    except ValueError:
        return None
    # anyone can sign with an empty key
    return key or None


class _Refused(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def _present(value: str | None) -> str:
    if value is None:
        raise _Refused(Reason.MISSING)
    return value


def _signatures(verifier: Verifier, header: str) -> list[bytes]:
    decoded = [_signature(verifier, text) for text in _texts(verifier, header)]
    signatures = [signature for signature in decoded if signature is not None]
    if not signatures:
        raise _Refused(Reason.MALFORMED)
    return signatures


def _texts(verifier: Verifier, header: str) -> list[str]:
    if len(header) > MAX_HEADER:
        raise _Refused(Reason.MALFORMED)
    if verifier.extract == "plain":
        return [header]
    if verifier.extract == "prefix":
        return [header.removeprefix(verifier.label)] if header.startswith(verifier.label) else []
    separators = (verifier.between, "=") if verifier.extract == "kv" else (" ", ",")
    return [value for name, value in _members(header, *separators) if name == verifier.label]


def _members(header: str, between: str, within: str) -> list[tuple[str, str]]:
    parts = header.split(between)
    if len(parts) > MAX_SIGNATURES:
        raise _Refused(Reason.MALFORMED)
    return [(name, value) for name, _, value in (part.strip().partition(within) for part in parts)]


def _signature(verifier: Verifier, text: str) -> bytes | None:
    try:
        signature = _decode(verifier.encoding, text)
    except ValueError:
        return None
    return signature if len(signature) == _DIGEST_BYTES[verifier.hash] else None


def _decode(encoding: Literal["hex", "base64"], text: str) -> bytes:
    return binascii.unhexlify(text) if encoding == "hex" else base64.b64decode(text, validate=True)


def _stamp(verifier: Verifier, timestamp: Timestamp, received: Received, header: str) -> str:
    if not timestamp.member:
        return _present(received.header(*timestamp.headers))
    members = dict(_members(header, verifier.between, "="))
    return _present(members.get(timestamp.member))


def _seconds(timestamp: Timestamp, stamp: str) -> float:
    try:
        if timestamp.unit == "iso":
            return times.parse(stamp).timestamp()
        if re.fullmatch(r"\d{1,15}", stamp, re.ASCII):
            return int(stamp) / _PER_SECOND[timestamp.unit]
    except ValueError:
        pass
    raise _Refused(Reason.MALFORMED)


def _content(verifier: Verifier, received: Received, stamp: str) -> bytes:
    values = {
        "raw": received.body,
        "method": _bytes(received.method),
        "url": _bytes(received.url),
        "url_decoded": _bytes(_decoded(received.url)),
        "ts": _bytes(stamp),
        "id": _bytes(_present(received.header(*verifier.id_headers))) if verifier.id_headers else b"",
    }
    # a split by a pattern with one group alternates: text, name, text, name, ..., text
    parts = _PLACE.split(verifier.template)
    return b"".join(values[part] if index % 2 else part.encode() for index, part in enumerate(parts))


def _decoded(url: str) -> str:
    """The URL as HubSpot signs it: these few characters decoded, all others left as they were sent.

    https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests
    """
    return _RESERVED.sub(lambda found: chr(int(found[1], 16)), url)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _match(verifier: Verifier, content: bytes, signatures: list[bytes], secrets: Sequence[str]) -> int:
    """The index of the first secret that fits; every secret meets every signature, whichever one fits."""
    keys = [key_of(verifier, secret) for secret in secrets]
    digests = [_digest(verifier, key, content) if key else b"" for key in keys]
    matches = [
        index
        for index, digest in enumerate(digests)
        for signature in signatures
        if hmac.compare_digest(digest, signature)
    ]
    if not matches:
        raise _Refused(Reason.MISMATCH)
    return matches[0]


def _digest(verifier: Verifier, key: bytes, content: bytes) -> bytes:
    if verifier.mac == "hmac":
        return hmac.digest(key, content, verifier.hash)
    return hashlib.new(verifier.hash, key + content).digest()


def _check_age(age_seconds: float, tolerance_seconds: int) -> None:
    if age_seconds > tolerance_seconds:
        raise _Refused(Reason.STALE)
    if age_seconds < -tolerance_seconds:
        raise _Refused(Reason.FUTURE)
