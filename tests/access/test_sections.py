"""Sections through their service, on fakes of storage and seal."""

import re
from pathlib import Path
from typing import Any

import pytest

from shared import exact
from shared.access.countries import COUNTRIES
from shared.access.sections import Section, Sections
from shared.azure.vault import MasterKeySeal, new_master_key
from shared.errors import Conflict, Invalid, NotFound, Unavailable
from shared.ports import Row, bytes_of
from shared.registry import Registry
from tests.fakes import FakeClock, FakeSeal, FakeTables

HASH_KEY = bytes(range(32))
BODY = {
    "id": "shop-se",
    "name": "Åhléns shop",
    "country": "SE",
    "timeZone": "Europe/Stockholm",
    "publicBaseUrl": "https://events.example.com",
}


def body(**members: Any) -> Any:
    return exact.loads(exact.dumps({**BODY, **members}))


@pytest.fixture
def sections(tables: FakeTables) -> Sections:
    return Sections(Registry(tables), FakeSeal(), FakeClock())


async def pointers(sections: Sections, sent: Any) -> list[str]:
    with pytest.raises(Invalid) as caught:
        await sections.create(sent, HASH_KEY)
    return sorted(fault.pointer for fault in caught.value.faults)


async def test_a_new_section_has_its_defaults(sections: Sections) -> None:
    answer = await sections.create(body(), HASH_KEY)

    assert answer == {
        **BODY,
        "retentionDays": None,
        "idempotencyDays": 30,
        "perMinute": 300_000,
        "buckets": 4,
        "status": "active",
        "createdAt": "2026-11-22T09:15:00.000Z",
        "deletedAt": None,
    }


async def test_a_section_reads_back_with_its_hash_key(sections: Sections) -> None:
    await sections.create(body(retentionDays=365, idempotencyDays=7, buckets=64), HASH_KEY)

    assert await sections.read("shop-se") == Section(
        id="shop-se",
        name="Åhléns shop",
        country="SE",
        time_zone="Europe/Stockholm",
        public_base_url="https://events.example.com",
        retention_days=365,
        idempotency_days=7,
        buckets=64,
        hash_key=HASH_KEY,
    )


async def test_no_answer_holds_the_hash_key(sections: Sections) -> None:
    answers = [
        await sections.create(body(), HASH_KEY),
        *await sections.list(),
        await sections.show("shop-se"),
    ]

    assert len(answers) == 3
    assert all("hashKey" not in answer for answer in answers)
    assert "hash_key" not in repr(await sections.read("shop-se"))


async def test_the_hash_key_lies_sealed(tables: FakeTables) -> None:
    sections = Sections(Registry(tables), MasterKeySeal(new_master_key()), FakeClock())
    await sections.create(body(), HASH_KEY)
    (row,) = [row for row in tables.tables["registry"].values() if row.rk == "shop-se"]

    assert re.search(r'"hashKey":"v1\.', str(row.values["doc"]))
    assert (await sections.read("shop-se")).hash_key == HASH_KEY


async def test_a_lost_master_key_is_unavailable(tables: FakeTables) -> None:
    await Sections(Registry(tables), MasterKeySeal(new_master_key()), FakeClock()).create(body(), HASH_KEY)
    later = Sections(Registry(tables), MasterKeySeal(new_master_key()), FakeClock())

    with pytest.raises(Unavailable):
        await later.read("shop-se")


async def test_a_taken_id_is_a_conflict(sections: Sections) -> None:
    await sections.create(body(), HASH_KEY)

    with pytest.raises(Conflict):
        await sections.create(body(name="Other"), HASH_KEY)


async def test_sections_are_listed_by_id(sections: Sections) -> None:
    for id in ("b-shop", "a-shop"):
        await sections.create(body(id=id), HASH_KEY)

    assert [section["id"] for section in await sections.list()] == ["a-shop", "b-shop"]


async def test_an_unknown_section_is_not_found(sections: Sections) -> None:
    assert await sections.find("nowhere") is None
    with pytest.raises(NotFound):
        await sections.read("nowhere")
    with pytest.raises(NotFound):
        await sections.show("nowhere")


async def test_a_section_is_paused_and_resumed(sections: Sections) -> None:
    created = await sections.create(body(), HASH_KEY)

    assert await sections.set_status("shop-se", "paused") == {**created, "status": "paused"}
    assert (await sections.read("shop-se")).paused
    assert [one["status"] for one in await sections.list()] == ["paused"]
    assert await sections.set_status("shop-se", "active") == created
    assert not (await sections.read("shop-se")).paused
    assert (await sections.read("shop-se")).hash_key == HASH_KEY
    with pytest.raises(NotFound):
        await sections.set_status("nowhere", "paused")


async def test_a_section_from_before_there_were_pauses_is_active(
    sections: Sections, tables: FakeTables
) -> None:
    await sections.create(body(), HASH_KEY)
    [row] = [row for row in tables.tables["registry"].values() if row.rk == "shop-se"]
    old = bytes_of(row, "doc").replace(b'"status":"active",', b"")
    assert old != row.values["doc"]
    await tables.upsert("registry", Row(row.pk, row.rk, {"doc": old}))
    later = Sections(Registry(tables), FakeSeal(), FakeClock())

    assert not (await later.read("shop-se")).paused
    assert [one["status"] for one in await later.list()] == ["active"]


async def test_a_section_that_is_read_again_costs_no_request(sections: Sections, tables: FakeTables) -> None:
    await sections.create(body(), HASH_KEY)
    first = await sections.read("shop-se")
    requests = tables.requests

    assert await sections.read("shop-se") is first
    assert tables.requests == requests


async def test_all_faults_come_at_once(sections: Sections) -> None:
    sent = {"id": "Shop!", "country": "XX", "timeZone": "Mars/Base", "publicBaseUrl": "ftp://x", "extra": "x"}

    assert await pointers(sections, sent) == [
        "/country",
        "/extra",
        "/id",
        "/name",
        "/publicBaseUrl",
        "/timeZone",
    ]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *[("id", id) for id in ("a", "9a", "a" * 32, "a_b", "*", "", "a|b", "shop\n")],
        *[("country", code) for code in ("se", "SWE", "XX", "UK", "")],
        *[("timeZone", zone) for zone in ("CEST", "europe/stockholm", "../UTC", "Europe", "")],
        *[("retentionDays", days) for days in (0, 3651, 1.5, "30", True)],
        *[("idempotencyDays", days) for days in (6, 91, None)],
        *[("buckets", count) for count in (0, 65)],
        *[("name", name) for name in ("", " padded", "two\nlines", "x" * 101)],
    ],
)
async def test_a_wrong_member_is_refused_where_it_is(sections: Sections, member: str, value: Any) -> None:
    assert await pointers(sections, body(**{member: value})) == [f"/{member}"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("https://events.example.com/", "https://events.example.com"),
        ("HTTPS://Events.Example.com:8443", "https://events.example.com:8443"),
        ("http://localhost:7071", "http://localhost:7071"),
        ("http://127.0.0.1:7071/", "http://127.0.0.1:7071"),
        ("http://[::1]:7071", "http://[::1]:7071"),
    ],
)
async def test_a_base_url_is_kept_plain(sections: Sections, sent: str, kept: str) -> None:
    assert (await sections.create(body(publicBaseUrl=sent), HASH_KEY))["publicBaseUrl"] == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://events.example.com",
        "http://localhost.example.com",
        "https://events.example.com/path",
        "https://events.example.com?query",
        "https://events.example.com#here",
        "https://user:word@events.example.com",
        "https://events.example.com:port",
        "https://:443",
        "https://[::1",
        "https://",
        "https://a b",
        "https://a\n",
        "events.example.com",
    ],
)
async def test_another_url_is_refused(sections: Sections, url: str) -> None:
    assert await pointers(sections, body(publicBaseUrl=url)) == ["/publicBaseUrl"]


@pytest.mark.parametrize("sent", [None, [], "text", True])
async def test_a_body_that_is_no_object_is_refused(sections: Sections, sent: Any) -> None:
    assert await pointers(sections, sent) == [""]


async def test_a_hash_key_of_another_length_is_a_mistake_of_ours(sections: Sections) -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        await sections.create(body(), bytes(16))


def test_the_country_codes_are_those_of_the_time_zone_database() -> None:
    table = Path("/usr/share/zoneinfo/iso3166.tab")
    if not table.exists():
        pytest.skip("elsewhere: this machine has no time zone database of its own")
    lines = table.read_text(encoding="utf-8").splitlines()

    assert {line.split("\t")[0] for line in lines if not line.startswith("#")} == COUNTRIES


async def test_only_a_paused_section_is_deleted_and_only_by_its_name(sections: Sections) -> None:
    await sections.create(body(), HASH_KEY)

    with pytest.raises(Conflict, match="Pause it"):
        await sections.delete("shop-se", "shop-se")
    await sections.set_status("shop-se", "paused")
    for confirm in (None, "", "shop", "SHOP-SE"):
        with pytest.raises(Invalid) as caught:
            await sections.delete("shop-se", confirm)
        assert [fault.pointer for fault in caught.value.faults] == ["/confirm"]
    with pytest.raises(NotFound):
        await sections.delete("nowhere", "nowhere")

    answer = await sections.delete("shop-se", "shop-se")

    assert (answer["status"], answer["deletedAt"]) == ("deleted", "2026-11-22T09:15:00.000Z")
    assert await sections.delete("shop-se", "shop-se") == answer


async def test_a_deleted_section_is_not_there_for_anybody_but_who_lists_deleted_ones(
    sections: Sections,
) -> None:
    await sections.create(body(), HASH_KEY)
    await sections.set_status("shop-se", "paused")
    await sections.delete("shop-se", "shop-se")

    for ask in (sections.read, sections.show):
        with pytest.raises(NotFound):
            await ask("shop-se")
    assert (await sections.find("shop-se"), await sections.find_now("shop-se")) == (None, None)
    assert await sections.list() == []
    assert [one["id"] for one in await sections.list(deleted_too=True)] == ["shop-se"]
    settings = {name: value for name, value in BODY.items() if name != "id"}
    for change in (sections.set_status("shop-se", "active"), sections.configure("shop-se", settings)):
        with pytest.raises(Conflict, match="has been deleted"):
            await change


async def test_a_version_that_knows_of_no_deletion_finds_it_paused(
    sections: Sections, tables: FakeTables
) -> None:
    await sections.create(body(), HASH_KEY)
    await sections.set_status("shop-se", "paused")
    await sections.delete("shop-se", "shop-se")

    row = await tables.get("registry", "|section", "shop-se")

    assert row is not None
    assert exact.read(bytes_of(row, "doc"))["status"] == "paused"


async def test_a_section_that_was_not_deleted_cannot_be_forgotten(sections: Sections) -> None:
    await sections.create(body(), HASH_KEY)

    with pytest.raises(Conflict):
        await sections.forget("shop-se")


async def test_that_a_section_was_not_there_a_moment_ago_is_not_taken_for_an_answer(
    sections: Sections, tables: FakeTables
) -> None:
    assert await sections.find("shop-se") is None
    await Sections(Registry(tables), FakeSeal(), FakeClock()).create(body(), HASH_KEY)

    assert await sections.find("shop-se") is None
    found = await sections.find_now("shop-se")

    assert found is not None
    assert found.id == "shop-se"
