"""The guarded client against real servers on loopback: what it sends, what it reads, and what each failure is."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest

from shared.azure.http import MAX_BODY, GuardedHttp
from shared.ports import Answer, NoAnswer
from tests.azure.http_servers import NAME, SHORT, Server, ask, ask_once, head


@pytest.fixture
async def local() -> AsyncIterator[GuardedHttp]:
    http = GuardedHttp(allow_loopback=True)
    yield http
    await http.close()


async def test_a_request_arrives_as_it_was_built(local):
    async with Server().running() as server:
        answer = await ask(local, server.url + "?a=b%2Fc", headers={"Webhook-Id": "1"}, body=b"\x00\xff")

    (request,) = server.requests
    assert answer == Answer(200, {"content-length": "2"}, b"ok")
    assert request.startswith(b"POST /hook?a=b%2Fc HTTP/1.1\r\n")
    assert head(request) == ["content-length: 2", f"host: 127.0.0.1:{server.port}", "webhook-id: 1"]
    assert request.endswith(b"\r\n\r\n\x00\xff")


async def test_a_request_without_body_has_none(local):
    async with Server().running() as server:
        await ask(local, server.url, method="GET", body=b"", headers={})

    assert head(server.requests[0]) == [f"host: 127.0.0.1:{server.port}"]


@pytest.mark.parametrize("status", [200, 204, 302, 400, 410, 429, 500, 503])
async def test_a_status_is_an_answer(local, status):
    reply = b"HTTP/1.1 %d X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n" % status
    async with Server(reply).running() as server:
        answer = await ask(local, server.url)

    assert isinstance(answer, Answer)
    assert (answer.status, answer.headers["retry-after"]) == (status, "7")


async def test_header_names_are_lower_case_and_repeated_ones_joined(local):
    reply = b"HTTP/1.1 200 OK\r\nX-Ray: 1\r\nx-ray: 2\r\nContent-Length: 0\r\n\r\n"
    async with Server(reply).running() as server:
        answer = await ask(local, server.url)

    assert answer == Answer(200, {"x-ray": "1, 2", "content-length": "0"}, b"")


async def test_a_redirect_is_not_followed(local):
    async with Server().running() as target:
        reply = f"HTTP/1.1 307 X\r\nLocation: {target.url}\r\nContent-Length: 0\r\n\r\n".encode()
        async with Server(reply).running() as server:
            answer = await ask(local, server.url)

    assert isinstance(answer, Answer)
    assert answer.status == 307
    assert target.connections == 0


async def test_cookies_are_not_kept(local):
    reply = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    async with Server(reply).running() as server:
        await ask(local, server.url.replace("127.0.0.1", "localhost"))
        await ask(local, server.url.replace("127.0.0.1", "localhost"))

    assert len(server.requests) == 2
    assert not any(b"cookie" in request.lower() for request in server.requests)


async def test_a_proxy_in_the_environment_is_not_used(local, monkeypatch):
    async with Server().running() as proxy, Server().running() as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        await ask(local, server.url)

    assert (proxy.connections, server.connections) == (0, 1)


async def test_a_connection_is_used_again(local):
    async with Server().running() as server:
        for _ in range(5):
            await ask(local, server.url)

    assert (server.connections, len(server.requests)) == (1, 5)


async def test_a_closed_client_opens_again(local):
    async with Server().running() as server:
        await ask(local, server.url)
        await local.close()
        await local.close()
        answer = await ask(local, server.url)

    assert isinstance(answer, Answer)
    assert server.connections == 2


async def test_an_endless_body_is_cut(local):
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    async with Server(endless, then="drip").running() as server:
        answer = await ask(local, server.url)

    assert isinstance(answer, Answer)
    assert answer.body == b"x" * MAX_BODY


async def test_a_body_of_the_limit_is_whole(local):
    body = b"y" * MAX_BODY
    async with Server(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    ).running() as server:
        answer = await ask(local, server.url)

    assert isinstance(answer, Answer)
    assert answer.body == body


async def test_a_compressed_body_is_not_expanded(local):
    body = gzip.compress(b"\0" * 50_000_000)
    lead = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with Server(lead + body).running() as server:
        answer = await ask(local, server.url)

    assert isinstance(answer, Answer)
    assert answer.body == body[:MAX_BODY]


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nX-He", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"]
)
async def test_an_answer_that_does_not_end_in_time_is_a_timeout(local, answer):
    async with Server(answer, then="hang").running() as server:
        assert await ask(local, server.url, SHORT) == NoAnswer("timeout")

    assert len(server.requests) == 1


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-He",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"220 mail.example.com ESMTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk", "no HTTP", "too long a head"],
)
async def test_an_answer_that_is_cut_or_no_http_is_broken(local, answer, end):
    async with Server(answer, then=end).running() as server:
        assert await ask(local, server.url) == NoAnswer("broken")

    assert len(server.requests) == 1


async def test_a_port_that_nobody_listens_on_is_a_connect_failure(local):
    async with Server().running() as server:
        pass

    assert await ask(local, server.url) == NoAnswer("connect")


async def test_a_name_service_that_never_answers_is_a_connect_failure():
    assert await ask_once(f"https://{NAME}/", None, seconds=SHORT) == NoAnswer("connect")


async def test_a_handshake_that_never_ends_is_a_connect_failure():
    async with Server(then="hang").running() as server:
        url = server.url.replace("http:", "https:")

        assert await ask_once(url, seconds=SHORT, allow_loopback=True) == NoAnswer("connect")


async def test_many_requests_to_one_host_never_wait_for_each_other(local):
    async with Server(b"", then="hang").running() as server:
        hanging = [asyncio.create_task(ask(local, server.url)) for _ in range(120)]
        for _ in hanging:
            await server.arrived.acquire()

        assert server.connections == 120
        for task in hanging:
            task.cancel()


async def test_a_cancelled_request_stays_cancelled(local):
    async with Server(b"", then="hang").running() as server:
        task = asyncio.create_task(ask(local, server.url))
        await server.arrived.acquire()
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task
