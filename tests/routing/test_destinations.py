"""Destinations: set up with checked settings, their secrets sealed at rest and shown once at most."""

from typing import Any

import pytest

from shared.errors import Conflict, Invalid, NotFound
from shared.ports import bytes_of
from tests.destinations.cases import SENT
from tests.house import body, build

SETTINGS = {"url": "https://erp.example.com/hook"}
SECRET = "whsec_" + "A" * 32


async def opened(house, name) -> Any:
    return await house.line.destinations.open("demo", name)


async def create(house, **changes):
    doc = {"name": "erp", "kind": "webhook", "settings": SETTINGS, **changes}
    return await house.line.destinations.create("demo", body(doc), b"r" * 32)


async def test_a_secret_that_is_made_is_shown_this_once():
    house = await build().furnish()

    made = await create(house)

    assert made["secrets"]["signingSecret"].startswith("whsec_")
    assert "secrets" not in await house.line.destinations.read("demo", "erp")
    assert all("secrets" not in one for one in await house.line.destinations.list("demo"))


async def test_a_secret_that_is_given_is_never_shown():
    house = await build().furnish()

    made = await create(house, secrets={"signingSecret": SECRET})

    assert SECRET not in str(made)
    assert (await opened(house, "erp")).secrets == {"signingSecret": SECRET}


async def test_a_secret_is_sealed_for_its_own_destination():
    house = await build().furnish()
    await create(house, secrets={"signingSecret": SECRET})

    [row] = [row for row in house.rows("registry", "erp") if row.pk == "demo|destination"]

    assert b"sealed:destination/demo/erp:" in bytes_of(row, "doc")


async def test_a_destination_is_opened_with_checked_settings():
    house = await build().furnish()
    await create(house, settings={**SETTINGS, "timeoutSeconds": 5})

    target = await opened(house, "erp")

    assert (target.settings.url, target.settings.timeout_seconds) == (SETTINGS["url"], 5)
    assert (target.kind, target.status) == ("webhook", "active")


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"kind": "carrier-pigeon"}, []),
        ({"settings": {}}, ["/settings/url"]),
        ({"settings": {"url": "ftp://x", "timeoutSeconds": 31, "colour": "red"}}, None),
        ({"secrets": {"signingSecret": "hello"}}, ["/secrets/signingSecret"]),
        ({"secrets": {"signingSecret": SECRET, "password": "x"}}, ["/secrets/password"]),
        ({"name": "Not A Slug"}, ["/name"]),
        ({"colour": "red"}, ["/colour"]),
    ],
)
async def test_what_cannot_work_is_refused_with_every_fault_and_nothing_is_stored(changes, pointers):
    house = await build().furnish()

    with pytest.raises(Invalid) as refusal:
        await create(house, **changes)

    found = [fault.pointer for fault in refusal.value.faults]
    assert sorted(found) == (
        ["/settings/colour", "/settings/timeoutSeconds", "/settings/url"] if pointers is None else pointers
    )
    assert not [one for one in await house.line.destinations.list("demo") if one["id"] == "erp"]
    assert "password" not in str(refusal.value.detail)


async def test_a_name_is_taken_once_in_a_section():
    house = await build().furnish()
    await create(house)

    with pytest.raises(Conflict):
        await create(house)


async def test_a_destination_is_paused_and_resumed():
    house = await build().furnish()

    await house.line.destinations.set_status("demo", "crm", "paused")
    assert (await opened(house, "crm")).status == "paused"
    await house.line.destinations.set_status("demo", "crm", "active")
    assert (await opened(house, "crm")).status == "active"


async def test_what_is_not_there_is_none_to_the_line_and_not_found_to_people():
    house = await build().furnish()

    assert await house.line.destinations.open("demo", "none") is None
    assert await house.line.destinations.open("other", "crm") is None
    with pytest.raises(NotFound):
        await house.line.destinations.read("other", "crm")
    with pytest.raises(NotFound):
        await house.line.destinations.set_status("demo", "none", "paused")


async def change(house, **doc):
    return await house.line.destinations.change("demo", "erp", body(doc))


async def test_settings_are_replaced_whole_and_secrets_stay():
    house = await build().furnish()
    await create(house, settings={**SETTINGS, "timeoutSeconds": 5}, secrets={"signingSecret": SECRET})

    told = await change(house, settings={"url": "https://new.example.com/"})

    target = await opened(house, "erp")
    assert told["settings"] == {"url": "https://new.example.com/"}
    assert (target.settings.url, target.settings.timeout_seconds) == ("https://new.example.com/", 15)
    assert target.secrets == {"signingSecret": SECRET}


async def test_secrets_are_replaced_all_of_them_and_never_answered():
    house = await build().furnish()
    await create(house)
    given = {"signingSecret": SECRET, "previousSigningSecret": "whsec_" + "B" * 32}

    told = await change(house, settings=SETTINGS, secrets=given)

    assert SECRET not in str(told)
    assert (await opened(house, "erp")).secrets == given


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"settings": {"url": "ftp://x"}}, ["/settings/url"]),
        ({"settings": {**SETTINGS, "retrySeconds": [0]}}, ["/settings/retrySeconds/0"]),
        ({"secrets": {}}, ["/secrets/signingSecret"]),
        ({"secrets": {"signingSecret": "short"}}, ["/secrets/signingSecret"]),
        ({"secrets": {"signingSecret": SECRET, "a/b": "x"}}, ["/secrets/a~1b"]),
    ],
)
async def test_a_change_that_does_not_fit_is_refused_where_it_stands_and_changes_nothing(changes, where):
    house = await build().furnish()
    await create(house, secrets={"signingSecret": SECRET})

    with pytest.raises(Invalid) as caught:
        await change(house, **{"settings": SETTINGS, **changes})

    target = await opened(house, "erp")
    assert [fault.pointer for fault in caught.value.faults] == where
    assert (target.settings.url, target.secrets) == (SETTINGS["url"], {"signingSecret": SECRET})


VENDOR = {"kind": "voucherify", **{name: SENT["voucherify"][name] for name in ("settings", "secrets")}}


async def test_a_secret_that_is_sent_does_not_follow_to_another_place():
    house = await build().furnish()
    await create(house, **VENDOR)
    elsewhere = {**VENDOR["settings"], "api": "https://attacker.example.com"}

    with pytest.raises(Invalid) as caught:
        await change(house, settings=elsewhere)
    assert [fault.pointer for fault in caught.value.faults] == ["/secrets"]

    await change(house, settings=elsewhere, secrets=VENDOR["secrets"])
    assert (await opened(house, "erp")).secrets == VENDOR["secrets"]


async def test_how_long_a_destination_is_tried_can_be_changed_without_its_secrets():
    house = await build().furnish()
    await create(house, **VENDOR)

    await change(house, settings={**VENDOR["settings"], "retrySeconds": [5], "onUnknown": "resend"})

    assert (await opened(house, "erp")).secrets == VENDOR["secrets"]


async def test_a_destination_that_is_not_there_cannot_be_changed():
    house = await build().furnish()

    with pytest.raises(NotFound):
        await change(house, settings=SETTINGS)
