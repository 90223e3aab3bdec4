"""A flow's URL is a secret: it is checked when it is given, and shown nowhere after that."""

import logging

import pytest

from shared import exact
from shared.destinations import secrets
from shared.destinations.kinds import power_automate
from shared.errors import Invalid
from shared.ports import Answer, NoAnswer
from tests.destinations.cases import SENT
from tests.house import body, build

URL = SENT["power_automate"]["secrets"]["url"]


def check(url: str) -> None:
    secrets.check("power_automate", power_automate.DESTINATION.secrets, {"url": url})


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://prod-33.westeurope.logic.azure.com/workflows/1/triggers/manual/paths/invoke",
        URL.partition("&sig=")[0],
        URL.partition("&sig=")[0] + "&sig=",
        URL.removeprefix("https://"),
        URL.replace("https://", "ftp://"),
        URL.replace("https://", "https://me:secret@"),
        URL + " ",
        URL + "a" * 2_048,
    ],
)
def test_what_starts_no_flow_is_refused_without_repeating_it(url):
    with pytest.raises(Invalid) as caught:
        check(url)

    assert [fault.pointer for fault in caught.value.faults] == ["/secrets/url"]
    assert "logic.azure.com" not in repr((caught.value.detail, caught.value.faults))


def test_a_whole_url_is_taken():
    check(URL)


@pytest.mark.parametrize(
    "answer", [Answer(202, {}, b""), Answer(401, {}, b""), NoAnswer("bad_url"), NoAnswer("broken")]
)
async def test_the_url_is_in_no_answer_and_in_no_log(answer, caplog):
    caplog.set_level(logging.DEBUG)
    house = await build(answer).furnish()
    await house.line.routes.set_status("demo", "rt-crm", "paused")
    doc = {"name": "flow", "kind": "power_automate", "settings": {}, "secrets": {"url": URL}}
    made = await house.line.destinations.create("demo", body(doc), bytes(32))
    await house.add_route("flow")
    id = await house.accept()
    await house.work()

    [sent] = house.http.requests
    assert sent.url == URL
    shown = [
        made,
        await house.line.destinations.list("demo"),
        await house.delivery(id, "rt-flow"),
        await house.dead_letters(),
        caplog.text,
    ]
    assert "sig=" not in repr(shown)
    assert exact.loads(sent.body)["data"]["id"] == id
