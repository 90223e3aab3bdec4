"""The signature doctor: why a request was not believed, as a sentence for whoever can mend it.

It tries what commonly goes wrong. What it finds is told to operators, and never lets a request in.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from typing import Literal
from urllib.parse import urlsplit

from shared.sources.genuine import Proof, SharedSecret, compared
from shared.sources.received import Received
from shared.sources.verifier import Reason, Rejected, Verified, Verifier, verify

MAX_BODY = 65_536
"""Bytes of a body that is looked at: forged requests shall not cost much more than others."""
_ANY_AGE = 10**15
_UNKNOWN = (
    "No secret of the source made this signature. Compare it with the sender's, and rotate it if they differ."
)
_BODY = (
    "The signature is right for the same body in another form: {}. Something on the way parses and writes it anew, or the "
    "sender signs before it writes. Pass the bytes on as they are."
)
_URL = (
    "The signature is right for another URL: {}. Set the section's publicBaseUrl to what the sender calls, and give the "
    "sender exactly that with the hook's path."
)
_KEY = "The signature is right if the secret is read as {}. Enter it as the sender uses it."


@dataclass(frozen=True, slots=True)
class Case:
    """A request that was refused: `proofs` are the kind's, `arrived` is the URL that it came to here."""

    proofs: Sequence[Proof]
    received: Received
    arrived: str
    secrets: Sequence[str]
    now: datetime


def diagnose(case: Case, rejected: Rejected) -> str:
    """Why, in a sentence without a secret or a part of the body. Never raises."""
    proof = next((one for one in case.proofs if one.is_present(case.received)), case.proofs[0])
    if not case.secrets:
        return "The source has no secret. Rotate it to give it one."
    if rejected.reason is Reason.MISSING:
        return _missing(proof)
    if isinstance(proof, SharedSecret):
        return _carried(proof, case)
    if rejected.reason is Reason.MALFORMED:
        return _malformed(proof)
    if rejected.reason is Reason.MISMATCH:
        return _mismatch(proof, case)
    return _skew(proof, case)


def _missing(proof: Proof) -> str:
    if isinstance(proof, SharedSecret):
        return (
            f"The request carries no secret: none in {proof.headers[0]}, no bearer token, none in the query."
        )
    stamps = proof.timestamp.headers if proof.timestamp else ()
    wanted = ", ".join(group[0] for group in (proof.headers, stamps, proof.id_headers) if group)
    return (
        f"The request lacks a header of {wanted}. Turn signing on at the sender, and let proxies pass it on."
    )


def _malformed(proof: Verifier) -> str:
    digest = f"{proof.hash} in {proof.encoding}"
    label = f" labelled {proof.label}" if proof.label else ""
    return f"The header {proof.headers[0]} holds no {digest}{label}, or the time in it cannot be read. Is it this vendor?"


def _carried(proof: SharedSecret, case: Case) -> str:
    carried = proof.carried(case.received) or ""
    for text, changed in (
        ("without the space around it", carried.strip()),
        ("without the quotes around it", carried.strip("\"'")),
        ("with its plus signs, which a query turns into spaces", carried.replace(" ", "+")),
    ):
        if isinstance(compared(changed, case.secrets), Verified):
            return f"The secret is right {text}. Enter it at the sender as it is, percent-encoded in a query."
    return "The secret that came is none of the source's. Compare it with the sender's."


def _skew(proof: Verifier, case: Case) -> str:
    """How far the clocks are apart, found with the check itself: the least tolerance by which it holds."""
    low, high = proof.timestamp.tolerance_seconds if proof.timestamp else 0, _ANY_AGE
    while high - low > 1:
        middle = (low + high) // 2
        holds = isinstance(_tried(proof, case.received, case, tolerance=middle), Verified)
        low, high = (low, middle) if holds else (middle, high)
    ahead = _tried(proof, case.received, case, tolerance=low) == Rejected(Reason.FUTURE)
    way = "ahead of" if ahead else "behind"
    return f"It was signed about {high} seconds {way} our clock. Correct the sender's clock, or find what held it up."


def _mismatch(proof: Verifier, case: Case) -> str:
    if len(case.received.body) > MAX_BODY:
        return _UNKNOWN
    for told, other, received, secrets in _alternatives(proof, case):
        if isinstance(_tried(other, received, replace(case, secrets=secrets)), Verified):
            return told
    return _UNKNOWN


def _tried(proof: Verifier, received: Received, case: Case, tolerance: int = _ANY_AGE) -> Verified | Rejected:
    stamp = replace(proof.timestamp, tolerance_seconds=tolerance) if proof.timestamp else None
    return verify(replace(proof, timestamp=stamp), received, case.secrets, case.now)


Encoding = Literal["utf8", "base64", "hex"]
Alternative = tuple[str, Verifier, Received, Sequence[str]]


def _alternatives(proof: Verifier, case: Case) -> Iterator[Alternative]:
    received, secrets = case.received, case.secrets
    for form, body in _bodies(received.body):
        yield _BODY.format(form), proof, replace(received, body=body), secrets
    if "{url" in proof.template:
        for url in _urls(received.url, case.arrived):
            yield _URL.format(_shown(url)), proof, replace(received, url=url), secrets
    for form, keyed, texts in _keys(proof, secrets):
        yield _KEY.format(form), keyed, received, texts


def _bodies(body: bytes) -> Iterator[tuple[str, bytes]]:
    yield "without the space around it", body.strip()
    yield "with a line break at its end", body + b"\n"
    yield "with other line breaks", body.replace(b"\r\n", b"\n")
    with suppress(zlib.error):
        yield "unpacked", zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body, MAX_BODY)
    try:
        doc = json.loads(body)
    except (ValueError, RecursionError):
        return
    for compact, ascii_, ordered in product((True, False), repeat=3):
        separators = (",", ":") if compact else (", ", ": ")
        text = json.dumps(doc, separators=separators, ensure_ascii=ascii_, sort_keys=ordered)
        yield "written as JSON anew", text.encode("utf-8", "surrogatepass")
    yield (
        "written as JSON anew",
        json.dumps(doc, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass"),
    )


def _urls(public: str, arrived: str) -> Iterator[str]:
    for url in (arrived, public):
        parts = urlsplit(url)
        for scheme in ("https", "http"):
            plain = parts._replace(scheme=scheme, query="", fragment="").geturl()
            yield from (parts._replace(scheme=scheme).geturl(), plain, plain.rstrip("/") + "/")


def _shown(url: str) -> str:
    """Without the query, which may hold a secret."""
    return url.partition("?")[0][:300]


def _keys(proof: Verifier, secrets: Sequence[str]) -> Iterator[tuple[str, Verifier, Sequence[str]]]:
    yield "it is, without the space around it", proof, [one.strip() for one in secrets]
    yield "it is, with a line break at its end", proof, [one + "\n" for one in secrets]
    whole = replace(proof, key_prefixes=())
    encodings: tuple[Encoding, ...] = ("utf8", "base64", "hex")
    for encoding in encodings:
        for form, keyed in (("", proof), (", with what stands before it", whole)):
            yield f"{encoding}{form}", replace(keyed, key_encoding=encoding), secrets
    if proof.mac == "hmac":
        yield "the beginning of a plain hash", replace(proof, mac="secret-first"), secrets
    else:
        yield "the key of an HMAC", replace(proof, mac="hmac"), secrets
