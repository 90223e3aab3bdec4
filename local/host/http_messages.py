"""HTTP requests and answers as the host hands them to a worker and takes them back.

Rules read in Azure/azure-functions-host, `GrpcMessageConversionExtensions.ToRpcHttp`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from local.host.protos import RpcHttp, RpcHttpCookie, TypedData

_ENCODED_SLASH: Final = re.compile("%2f", re.IGNORECASE)
_CONTROL: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
# The server counts and frames the body itself.
_SERVER_HEADERS: Final = frozenset({"content-length", "transfer-encoding", "connection"})

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer ready to be sent."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


class BadReply(Exception):
    """A function answered what HTTP cannot carry."""


def decoded_path(raw_path: bytes) -> str:
    """The path that routes see: decoded once, except for encoded slashes, as ASP.NET Core does."""
    return unquote(_ENCODED_SLASH.sub(lambda found: "%25" + found[0][1:], raw_path.decode("ascii")))


def joined_headers(headers: Headers) -> dict[str, str]:
    """Lower-cased names; several values joined with a comma; empty values dropped."""
    return _joined((name.decode("ascii").lower(), value.decode(errors="replace")) for name, value in headers)


def request_data(
    scope: Mapping[str, Any], headers: Mapping[str, str], params: Mapping[str, str], body: bytes
) -> TypedData:
    """The request as TypedData; `scope` is ASGI's, `params` come from the route."""
    query = scope["query_string"].decode("latin-1")
    path = scope["raw_path"].decode("ascii")
    suffix = f"?{query}" if query else ""
    return TypedData(
        http=RpcHttp(
            method=scope["method"],
            url=f"{scope['scheme']}://{headers.get('host', '')}{path}{suffix}",
            headers=headers,
            params=params,
            query=_joined(parse_qsl(query, keep_blank_values=True)),
            body=TypedData(bytes=body),
        )
    )


def reply_from(value: TypedData | None) -> Reply:
    """What to send for a function's return value. Raises BadReply for what HTTP cannot carry."""
    if value is None:
        return Reply(204)
    if value.WhichOneof("data") == "string":
        return Reply(200, ((b"content-type", b"text/plain; charset=utf-8"),), value.string.encode())
    if value.WhichOneof("data") != "http":
        raise BadReply("an HTTP function must return an HttpResponse or a str")
    status = int(value.http.status_code)
    if not 200 <= status <= 599:
        raise BadReply(f"{status} is not a final HTTP status")
    cookies = (("set-cookie", cookie_text(cookie)) for cookie in value.http.cookies or ())
    headers = (*value.http.headers.items(), *cookies)
    return Reply(status, tuple(_encoded(headers)), value.http.body.bytes)


def cookie_text(cookie: RpcHttpCookie) -> str:
    """A Set-Cookie value from the fields that the worker parsed out of the function's header."""
    fields = [f"{cookie.name}={cookie.value}"]
    fields += [f"Domain={cookie.domain.value}"] if cookie.domain and cookie.domain.value else []
    fields += [f"Path={cookie.path.value}"] if cookie.path and cookie.path.value else []
    fields += [f"Max-Age={cookie.max_age.value:.0f}"] if cookie.max_age else []
    fields += ["Secure"] if cookie.secure and cookie.secure.value else []
    fields += ["HttpOnly"] if cookie.http_only and cookie.http_only.value else []
    fields += [f"SameSite={cookie.same_site}"] if cookie.same_site else []
    return "; ".join(fields)


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        if value:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _encoded(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[bytes, bytes]]:
    for name, value in headers:
        if _CONTROL.search(name + value) or not name.isascii():
            raise BadReply("a response header holds characters that HTTP does not allow")
        if name.lower() not in _SERVER_HEADERS:
            yield name.lower().encode(), value.encode()
