"""Receive: the body of a request as it was meant, bounded, or a refusal that says what was wrong with it."""

import re
import zlib
from dataclasses import replace

from shared import exact
from shared.errors import BodyTooLarge, LengthRequired, MalformedBody, SignalboxError, UnsupportedMediaType
from shared.exact import Json
from shared.sources import Received

MAX_BODY_BYTES = 2 * 1024 * 1024
"""What a door takes, compressed or not (docs/limits.md)."""
_GZIP = 16 + zlib.MAX_WBITS


def body_of(request: Received) -> bytes:
    """The body's bytes, unpacked if it came as gzip. Raises LengthRequired, MalformedBody, BodyTooLarge."""
    body, headers = request.body, request.headers
    require_arrived(request)
    _check_length(headers.get("content-length"), body)
    if len(body) > MAX_BODY_BYTES:
        raise _too_large()
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise UnsupportedMediaType("Send the body as it is, or with Content-Encoding: gzip.")
    return _unpacked(body)


def unpacked(request: Received) -> Received:
    """The request with its body as `body_of` has it; as it came where that cannot be."""
    try:
        return replace(request, body=body_of(request))
    except SignalboxError:
        return request


def json_of(request: Received) -> Json:
    """The body as exact JSON. Raises as `body_of`, and UnsupportedMediaType, MalformedBody."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        raise UnsupportedMediaType("Send JSON with Content-Type: application/json.")
    body = body_of(request)
    if not body.strip():
        raise MalformedBody("The body is empty. Send a JSON object.")
    return exact.loads(body)


def require_arrived(request: Received) -> None:
    """Raises LengthRequired for a chunked request.

    The Functions host hands over an empty body for it (azure-functions-host issue 4926).
    """
    if not request.body and "transfer-encoding" in request.headers:
        raise LengthRequired("Send the body with a Content-Length instead of Transfer-Encoding: chunked.")


def _check_length(declared: str | None, body: bytes) -> None:
    if declared is None:
        return
    if not (declared.isascii() and declared.isdigit()) or int(declared[:19]) != len(body):
        raise MalformedBody(f"The Content-Length does not fit the {len(body)} bytes that came.")


def _unpacked(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        unpacked = unpacker.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise MalformedBody("The body is not gzip, although Content-Encoding says so.") from None
    if len(unpacked) > MAX_BODY_BYTES:
        raise _too_large()
    if not unpacker.eof or unpacker.unused_data:
        raise MalformedBody("The gzip body ends too early, or goes on after its end.")
    return unpacked


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(
        f"A body may have {MAX_BODY_BYTES} bytes, unpacked. Send less, or use the batch door in parts."
    )


def at_public_url(request: Received, base: str) -> Received:
    """The request as its sender addressed it: what stands before us may have rewritten scheme and host."""
    path = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?]*", "", request.url)
    return replace(request, url=base + path)
