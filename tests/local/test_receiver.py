"""The playing destination, as the child process that it is in demonstrations and tests."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.process import Child


class Destination:
    def __init__(self, child: Child, file: Path, session: aiohttp.ClientSession):
        self.child, self.file, self.session = child, file, session

    async def status(self, path: str, *, method: str = "POST", headers: dict[str, str] | None = None) -> int:
        async with self.session.request(
            method, path, data="{}", headers=headers, allow_redirects=False
        ) as answer:
            return answer.status

    async def arrival(self) -> None:
        await asyncio.to_thread(self.child.wait_until, self.recorded, "request")

    def recorded(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()]


@pytest.fixture
async def destination(tmp_path: Path):
    file = tmp_path / "made/received.jsonl"
    command: list[str | Path] = [sys.executable, "-m", "local.receiver", "--file", file]
    with Child("receiver", command, tmp_path / "receiver.log", cwd=Path(__file__).parents[2]) as child:
        port = child.wait_for_announcement()["port"]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            yield Destination(child, file, session)


async def test_a_request_is_recorded_whole(destination):
    body = '{"amount": 42.50, "name": "Å"}'
    async with destination.session.put("/ok?x=1", data=body, headers={"Webhook-Id": "msg_1"}) as answer:
        assert answer.status == 200
    (line,) = destination.recorded()
    assert (line["method"], line["path"], line["status"], line["body"]) == ("PUT", "/ok?x=1", 200, body)
    assert line["headers"]["webhook-id"] == "msg_1"
    assert line["time"].endswith("+00:00")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ok", 200),
        ("/gone", 410),
        ("/bad", 400),
        ("/status/429", 429),
        ("/status/204", 204),
        ("/redirect", 302),
        ("/other", 404),
    ],
)
async def test_a_path_says_its_answer(destination, path, status):
    assert await destination.status(path) == status
    assert destination.recorded()[0]["status"] == status


async def test_flaky_refuses_the_first_attempt_of_each_id(destination):
    first, second = {"webhook-id": "msg_1"}, {"webhook-id": "msg_2"}
    answers = [
        await destination.status("/flaky", headers=headers) for headers in (first, second, first, first)
    ]
    assert answers == [503, 503, 200, 200]


async def test_later_refuses_the_first_attempt_and_says_when_to_come_again(destination):
    answers = []
    for _ in range(2):
        async with destination.session.post("/later/3600", headers={"webhook-id": "msg_1"}) as answer:
            answers.append((answer.status, answer.headers.get("Retry-After")))
    assert answers == [(503, "3600"), (200, None)]


async def test_control_repairs_a_path_and_is_not_recorded(destination):
    assert await destination.status("/bad") == 400
    async with destination.session.post("/control", json={"path": "/bad", "status": 200}) as answer:
        assert answer.status == 200
    assert await destination.status("/bad") == 200
    assert [line["path"] for line in destination.recorded()] == ["/bad", "/bad"]


async def test_slow_answers_late_and_is_recorded_at_once(destination):
    waiting = asyncio.create_task(destination.status("/slow/300"))
    await destination.arrival()
    assert not waiting.done()
    assert await waiting == 200


async def test_hang_never_answers_and_does_not_hold_up_the_end(destination):
    waiting = asyncio.create_task(destination.status("/hang"))
    await destination.arrival()
    assert not waiting.done()
    assert destination.recorded()[0]["status"] is None
    assert await asyncio.to_thread(destination.child.stop) == 0
    with pytest.raises(aiohttp.ClientError):
        await waiting


@pytest.mark.parametrize("path", ["/status/99", "/status/x", "/slow/x", "/slow/99999999"])
async def test_a_path_that_makes_no_sense_is_refused(destination, path):
    assert await destination.status(path) == 400
    assert destination.recorded()[0]["path"] == path
