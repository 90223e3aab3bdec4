"""What destinations write down: once what they know by an id, and nothing that was refused, whoever ends meanwhile."""

import json

import aiohttp
import pytest

from local.standins import NAMES, Taken, answer
from local.took import Full, Took, taken
from tests.local.test_standins import FACTS, asked
from tests.receiving import receiver

EVENT = {"event": "order_placed", "customer": {"source_id": "c-1"}, "metadata": {"number": "1"}}
APP = {"x-app-id": "app", "x-app-token": "token", "content-type": "application/json"}


async def post(url: str, body: object, **headers: str) -> int | None:
    """The status; None for an answer that is none."""
    async with aiohttp.ClientSession() as session:
        try:
            async with session.post(
                url, json=body, headers=headers, timeout=aiohttp.ClientTimeout(1)
            ) as told:
                await told.read()
                return told.status
        except (aiohttp.ClientError, TimeoutError):
            return None


async def test_a_webhook_is_taken_once_and_a_repeat_is_answered_as_well(tmp_path):
    with receiver(tmp_path) as url:
        first = [await post(f"{url}/ok", {"n": 1}, **{"webhook-id": "msg_1"}) for _ in range(2)]
        refused = await post(f"{url}/bad", {"n": 2}, **{"webhook-id": "msg_2"})

    assert (first, refused) == ([200, 200], 400)
    assert [(line["id"], line["what"]) for line in taken(tmp_path / "took", "webhook")] == [
        ("msg_1", {"n": 1})
    ]
    assert len((tmp_path / "took/webhook.jsonl").read_text().splitlines()) == 3


async def test_a_stand_in_has_a_file_of_its_own_for_each_label_and_takes_twice_what_it_cannot_know(tmp_path):
    with receiver(tmp_path) as url:
        for name in ("voucherify", "voucherify~other", "voucherify~other"):
            assert await post(f"{url}/{name}/v1/events", EVENT, **APP) == 200

    assert [line["what"] for line in taken(tmp_path / "took", "voucherify")] == [{"number": "1"}]
    assert len(taken(tmp_path / "took", "voucherify~other")) == 2


@pytest.mark.parametrize(("fault", "count"), [("hang", 1), ("cut", 1), ("reset", 0), (503, 0)])
async def test_what_is_cut_off_or_hung_up_on_was_taken_and_what_is_reset_or_refused_was_not(
    tmp_path, fault, count
):
    with receiver(tmp_path) as url:
        assert await post(f"{url}/control", {"path": "/voucherify", "status": fault}) == 200
        await post(f"{url}/voucherify/v1/events", EVENT, **APP)

    assert len(taken(tmp_path / "took", "voucherify")) == count


async def test_who_starts_again_knows_what_it_took(tmp_path):
    for _ in range(2):
        with receiver(tmp_path) as url:
            assert await post(f"{url}/ok", {}, **{"webhook-id": "msg_1"}) == 200

    assert len(taken(tmp_path / "took", "webhook")) == 1


async def test_a_storm_says_when_to_come_again(tmp_path):
    with receiver(tmp_path) as url:
        await post(f"{url}/control", {"path": "/ok", "status": 429, "retryAfter": 7})
        async with aiohttp.ClientSession() as session, session.post(f"{url}/ok") as told:
            assert (told.status, told.headers["Retry-After"]) == (429, "7")


@pytest.mark.parametrize("name", NAMES)
def test_every_stand_in_says_what_it_took(name):
    told = answer(name, asked(FACTS[name]["request"], {}))

    assert told.taken is not None
    assert told.taken.what


def test_rather_than_forget_it_takes_nothing_any_more(tmp_path, monkeypatch):
    monkeypatch.setattr("local.took.MOST_LINES", 1)
    took = Took(tmp_path)
    took.note("webhook", Taken({}, "1"), 200, takes=True)

    with pytest.raises(Full):
        took.note("webhook", Taken({}, "2"), 200, takes=True)
    assert [json.loads(line)["id"] for line in (tmp_path / "webhook.jsonl").read_text().splitlines()] == ["1"]
