"""Hostile surroundings for a body: paths, queries, headers, and lengths that lie."""

import gzip
import random
import re
from collections.abc import Mapping
from urllib.parse import quote

from tests.fuzz.bend import BOMB
from tests.fuzz.wire import Headers, Request

Rng = random.Random
METHODS = (b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS", b"TRACE", b"PROPFIND")
IDS = (
    ".", "..", "%2e%2e", "%2F", "..%2F..%2Fkeys", "%5C", "%23", "%3F", "%25", "%252F", "%00", "%0d%0aX-Injected:1", "%7F",
    "%c2%85", "%ff", "%ed%a0%80", "%F0%9F%98%80", "~", "%7C", "*", "'", "%20", "+", "{id}", "%E2%80%AE", "canary%40canary.example",
    "ffffffff-ffff-8000-8000-000000000000", "00000000-0000-8000-8000-000000000000", "ffffffff-ffff-8000-8000-000000000000_",
    "ffffffff-ffff-8000-8000-000000000000_!", "0" * 32, "f" * 32, "0" * 16, "a.b", "batch", "x" * 600, "%F0%9F%98%80" * 300,
)  # fmt: skip
PATHS = (
    "/", "//", "//v1/events", "/v1", "/v1/", "/v1//events", "/v1/./events", "/v1/../v1/events", "/v1%2Fevents", "/V1/EVENTS",
    "/v1/events/", "/v1/events//", "/v1/events/a/b", "/v1/hooks", "/v1/hooks/", "/v2/events", "/api/v1/events", "/admin",
    "/admin/host/status", "/runtime/webhooks", "/favicon.ico", "/.env", "/openapi.json/", "/health", "/health/live/x", "/%",
    "/%zz", "/canary%40canary.example", "/" + "x" * 7_000, "/" + "a/" * 900, "*", "http://storm/v1/events", "/v1/events#x",
)  # fmt: skip
QUERIES = (
    "limit=0", "limit=1", "limit=100", "limit=101", "limit=-1", "limit=1e2", "limit=%D9%A1", "limit=", "limit", "limit=1&limit=2",
    "after=ffffffff-ffff-8000-8000-000000000000", "after=00000000-0000-0000-0000-000000000000", "before=zzz", "after=%00",
    "before=00000000-0000-8000-8000-000000000000", "after=019aa9d2-0a80-8001-8000-000000000080&limit=3", "before=~", "after=%ff",
    "cause=invalid", "cause=gone", "cause=%00", "cause=canary", "cause=unknown-type&after=x", "key=canary-key-7f3a", "&&&=", "%",
    "?", "a=b" * 500, "=%F0%9F%98%80", "limit=1;after=2", "%6cimit=1",
)  # fmt: skip
HEADERS: Mapping[bytes, tuple[bytes, ...]] = {
    b"Content-Type": (
        b"", b"text/plain", b"application/json; charset=utf-16", b"APPLICATION/JSON", b"application/json;", b"application/vnd.a+json",
        b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x", b"+json", b"/", b"\xff", b"a" * 5_000,
    ),
    b"Content-Encoding": (
        b"", b"identity", b"gzip", b"GZIP", b"gzip, gzip", b"br", b"deflate", b"zstd", b"x-gzip", b"gzip;q=1", b"\x80", b",",
    ),
    b"Idempotency-Key": (
        b"", b"storm-1", b'"storm-2"', b'"', b'""', b'"a\\"b"', b"a" * 255, b"a" * 256, b'"' + b"b" * 255 + b'"', b"\xe9", b"a b", b" a ",
        b"canary-key-7f3a", b"a|b", b"\\", b"a,b", b"k=\x7f",
    ),
    b"Authorization": (
        b"", b"Bearer", b"Bearer ", b"bearer x", b"Basic Y2FuYXJ5OmNhbmFyeQ==", b"Bearer sbx_", b"Bearer sbx_" + b"a" * 60, b"Bearer a b",
        b"Bearer canary-token-7f3a", b"Bearer " + b"x" * 7_000, b"Bearer \xff\xfe", b"Bearer sbx_0000000000000000_" + b"A" * 49,
        b"Bearer .", b"Bearer a.b.c", b"Bearer eyJhbGciOiJub25lIn0.e30.", b"Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.e30.AAAA",
        b"Bearer " + b"W1tb" * 1_500 + b".e30.e30", b"Bearer \xe5.\xe5.\xe5", b"Bearer " + b"a" * 17_000 + b".b.c",
    ),
    b"Signalbox-Section": (
        b"", b"storm", b"nosuch", b"*", b"STORM", b"storm|0", b"../storm", b"s" * 5_000, b"\xf0\x9f\x98\x80", b"storm,storm", b"canary",
    ),
    b"traceparent": (
        b"", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01", b"\xff" * 55,
        b"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", b"canary", b"00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
    ),
    b"tracestate": (b"canary=1", b"," * 600, b"\xff"),
    b"X-Forwarded-Host": (b"canary.example", b"a, b", b"\x00"[:0]),
    b"X-Forwarded-Proto": (b"https", b"javascript"),
    b"X-HTTP-Method-Override": (b"DELETE",),
    b"Expect": (b"100-continue", b"200-ok"),
    b"Accept": (b"text/html", b"application/xml;q=0", b"\xff"),
    b"Cookie": (b"canary=canary-cookie-7f3a", b";" * 2_000),
    b"Range": (b"bytes=0-0,-1",),
    b"X-Canary": (b"canary-header-7f3a", b"a" * 9_000),
}  # fmt: skip
LENGTHS = (
    b"-1",
    b"x",
    b"",
    b"1, 2",
    b"+5",
    b"0x5",
    b"9" * 30,
    b"0",
    b"1",
    b"500",
    b" 7 ",
    b"5;",
    b"3\r\nContent-Length: 4",
)
_PARAMETER = re.compile(r"\{\w+\}")


def target(rng: Rng, template: str, places: Mapping[str, str]) -> str:
    """A path and a query, mostly of something that is there."""
    if rng.random() < 0.04:
        path = rng.choice(PATHS)
    else:
        path = filled(template, places, lambda real: real if rng.random() < 0.75 else rng.choice(IDS))
    if rng.random() < 0.03:
        at = rng.randrange(len(path) + 1)
        path = path[:at] + rng.choice((*IDS, "/", "//", "%", "é")) + path[at:]
    return path + (
        "?" + "&".join(rng.choices(QUERIES, k=rng.choice((1, 1, 2)))) if rng.random() < 0.15 else ""
    )


def filled(template: str, places: Mapping[str, str], choose=lambda real: real) -> str:
    """A path with an id for each of its parameters: the real one, or what `choose` makes of it."""
    path = template
    while found := _PARAMETER.search(path):
        before = path[: found.start()]
        path = before + choose(quote(places.get(before, "0"), safe="")) + path[found.end() :]
    return path


def with_hostile_headers(rng: Rng, headers: Headers) -> Headers:
    """Some headers replaced, added or repeated."""
    for name in rng.choices(list(HEADERS), k=rng.choice((1, 1, 2, 4))):
        value = rng.choice(HEADERS[name])
        if rng.random() < 0.8:
            headers = [pair for pair in headers if pair[0].lower() != name.lower()]
        headers = [*headers, (name, value)]
    return [*headers, *((b"X-%d" % n, b"canary") for n in range(200))] if rng.random() < 0.01 else headers


def packed(rng: Rng, body: bytes) -> bytes:
    """As gzip: whole, cut, with something after it, twice, a bomb, or not at all."""
    whole = gzip.compress(body, 1)
    cut = whole[: rng.randrange(len(whole))]
    return rng.choice((whole, whole, whole, cut, whole + b"canary", whole + whole, BOMB, body))


def with_lying_length(rng: Rng, request: Request) -> None:
    """A Content-Length that is none or another's, or a chunked body."""
    request.framed = False
    if rng.random() < 0.7:
        wrong = str(max(0, len(request.body) + rng.choice((-5, -1, 1, 40)))).encode()
        request.headers = [*request.headers, (b"Content-Length", rng.choice((*LENGTHS, wrong, wrong)))]
        return
    request.headers = [
        *request.headers,
        (b"Transfer-Encoding", rng.choice((b"chunked", b"gzip, chunked", b"identity"))),
    ]
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(request.body), request.body)
    request.body = rng.choice((chunked, chunked[:-5], request.body, b"0\r\n\r\n"))
