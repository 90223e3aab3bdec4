"""Signs requests as a vendor would: the inverse of the checks, written apart from them on nothing but hmac."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from shared.sources import Received, SharedSecret, Verifier
from shared.sources.genuine import Proof

URL = "https://signalbox.example/v1/hooks/0123456789abcdef"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"


def request(body: str | bytes, headers: Mapping[str, str] | None = None) -> Received:
    """A request that nobody has signed."""
    raw = body if isinstance(body, bytes) else body.encode()
    return Received("POST", URL, {"content-type": "application/json", **(headers or {})}, raw)


def new_secret(verifier: Proof, seed: bytes) -> str:
    """A secret as this vendor would show it."""
    key = hashlib.sha256(seed).digest()
    if isinstance(verifier, SharedSecret):
        return key.hex()
    encoded = {"utf8": key.hex(), "base64": base64.b64encode(key).decode(), "hex": key.hex()}
    return "".join(verifier.key_prefixes) + encoded[verifier.key_encoding]


def sign(verifier: Proof, received: Received, secret: str, at: datetime) -> Received:
    """The same request with its signature, and with the time and id that are signed along; or with its secret."""
    if isinstance(verifier, SharedSecret):
        return replace(received, headers={**received.headers, verifier.headers[0]: secret})
    stamp, headers = _stamp(verifier, at), dict(received.headers)
    if verifier.id_headers:
        headers.setdefault(verifier.id_headers[0], ID)
    if verifier.timestamp and verifier.timestamp.headers:
        headers[verifier.timestamp.headers[0]] = stamp
    if verifier.when:
        headers[verifier.when[0]] = verifier.when[1]
    signed = verifier.template.replace("{method}", received.method).replace("{url}", received.url)
    signed = signed.replace("{url_decoded}", received.url)
    signed = signed.replace("{ts}", stamp).replace("{id}", headers.get((*verifier.id_headers, "")[0], ""))
    before, after = signed.encode().split(b"{raw}")
    content, key = before + received.body + after, _key(verifier, secret)
    plain = hashlib.new(verifier.hash, key + content).digest()
    digest = plain if verifier.mac == "secret-first" else hmac.new(key, content, verifier.hash).digest()
    text = digest.hex() if verifier.encoding == "hex" else base64.b64encode(digest).decode()
    headers[verifier.headers[0]] = _header(verifier, text, stamp)
    return replace(received, headers=headers)


def _key(verifier: Verifier, secret: str) -> bytes:
    for prefix in verifier.key_prefixes:
        secret = secret.removeprefix(prefix)
    if verifier.key_encoding == "utf8":
        return secret.encode()
    return base64.b64decode(secret) if verifier.key_encoding == "base64" else bytes.fromhex(secret)


def _stamp(verifier: Verifier, at: datetime) -> str:
    unit = verifier.timestamp.unit if verifier.timestamp else "s"
    if unit == "iso":
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(int(at.timestamp() * (1000 if unit == "ms" else 1)))


def _header(verifier: Verifier, signature: str, stamp: str) -> str:
    if verifier.extract == "kv":
        time = f"{verifier.timestamp.member}={stamp}{verifier.between}" if verifier.timestamp else ""
        return f"{time}{verifier.label}={signature}"
    return {"list": f"{verifier.label},", "prefix": verifier.label, "plain": ""}[verifier.extract] + signature
