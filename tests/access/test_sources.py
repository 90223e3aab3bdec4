"""Webhook sources through their service."""

from typing import Any

import pytest

from shared import exact
from shared.access.sources import Source, Sources, VendorType
from shared.azure.vault import MasterKeySeal, new_master_key
from shared.errors import Invalid, NotFound, Unavailable
from shared.registry import Kind, Record, Registry
from tests.fakes import FakeClock, FakeSeal, FakeTables

KINDS = ("shopify", "stripe")
RANDOM = bytes(range(16))
ID = RANDOM.hex()
BODY = {
    "name": "Web shop",
    "kind": "shopify",
    "label": "webshop",
    "secrets": {"signing": "first secret"},
    "types": {
        "orders/create": {
            "event": "orders.placed",
            "mapping": {"orderId": "id", "limit": "`1.50`"},
        }
    },
}


class CountingSeal(FakeSeal):
    """Counts how often a secret was unsealed."""

    unsealed = 0

    def unseal(self, context: str, sealed: str) -> str:
        self.unsealed += 1
        return super().unseal(context, sealed)


def body(**members: Any) -> Any:
    return exact.loads(exact.dumps({**BODY, **members}))


@pytest.fixture
def seal() -> CountingSeal:
    return CountingSeal()


@pytest.fixture
def sources(tables: FakeTables, seal: CountingSeal) -> Sources:
    return Sources(Registry(tables), seal, FakeClock())


async def found(sources: Sources) -> Source:
    source = await sources.find(ID)
    assert source is not None
    return source


async def pointers(sources: Sources, sent: Any) -> list[str]:
    with pytest.raises(Invalid) as caught:
        await sources.create("shop", sent, RANDOM, KINDS)
    return sorted(fault.pointer for fault in caught.value.faults)


async def test_a_new_source_answers_its_hook_path(sources: Sources) -> None:
    answer = await sources.create("shop", body(), RANDOM, KINDS)

    assert answer["id"] == ID
    assert answer["hookPath"] == f"/v1/hooks/{ID}"
    assert answer["paused"] is False
    assert answer == await sources.read("shop", ID)
    assert [answer] == await sources.list("shop")


async def test_no_answer_and_no_print_holds_a_secret(sources: Sources) -> None:
    answers = [
        await sources.create("shop", body(), RANDOM, KINDS),
        await sources.rotate_secret("shop", ID, {"signing": "second secret"}),
        await sources.read("shop", ID),
        *await sources.list("shop"),
    ]

    assert "secret" not in repr(answers).replace("'secrets': 1", "").replace("'secrets': 2", "")
    assert "secret" not in repr(await found(sources))


async def test_secrets_lie_sealed_in_the_sources_context(tables: FakeTables, sources: Sources) -> None:
    await sources.create("shop", body(), RANDOM, KINDS)

    assert f"sealed:source/shop/{ID}:first secret" in repr(tables.tables)


async def test_a_hook_finds_its_source(sources: Sources) -> None:
    await sources.create("shop", body(), RANDOM, KINDS)
    source = await found(sources)

    assert source == Source(
        section="shop",
        id=ID,
        name="Web shop",
        kind="shopify",
        label="webshop",
        paused=False,
        types={"orders/create": VendorType("orders.placed", None, {"orderId": "id", "limit": "`1.50`"})},
        secrets=("first secret",),
    )
    mapping = source.types["orders/create"].mapping
    assert mapping is not None
    assert mapping["limit"] == "`1.50`"


async def test_a_source_has_a_quota_that_can_be_changed(sources: Sources) -> None:
    plain = await sources.create("shop", body(), RANDOM, KINDS)
    slow = await sources.create("shop", body(perMinute=5), RANDOM[::-1], KINDS)
    await found(sources)
    changed = await sources.set_quota("shop", ID, exact.loads('{"perMinute": 7}'))

    assert [one["perMinute"] for one in (plain, slow, changed)] == [60_000, 5, 7]
    assert (await found(sources)).per_minute == 7
    assert changed == await sources.read("shop", ID) == {**plain, "perMinute": 7}


async def test_a_source_from_before_sources_had_quotas_has_the_usual_one(tables: FakeTables) -> None:
    doc = {"name": "old", "kind": "shopify", "label": "old", "types": {}, "secrets": [], "paused": False}
    registry = Registry(tables)
    await registry.create_findable(Record(Kind.SOURCE, "shop", ID, {**doc, "createdAt": "2026-01-01"}))
    old = Sources(registry, FakeSeal(), FakeClock())

    assert (await found(old)).per_minute == (await old.read("shop", ID))["perMinute"] == 60_000


@pytest.mark.parametrize("sent", ['{"perMinute": 0}', '{"perMinute": 1000001}', '{"perMinute": 1.5}', "{}"])
async def test_a_quota_that_is_none_is_refused(sources: Sources, sent: str) -> None:
    await sources.create("shop", body(), RANDOM, KINDS)

    with pytest.raises(Invalid) as caught:
        await sources.set_quota("shop", ID, exact.loads(sent))
    assert [fault.pointer for fault in caught.value.faults] == ["/perMinute"]


async def test_a_sender_that_signs_nothing_needs_no_secret(sources: Sources) -> None:
    sent = body()
    del sent["secrets"], sent["types"]
    await sources.create("shop", sent, RANDOM, KINDS)

    assert (await found(sources)).secrets == ()
    assert (await found(sources)).types == {}


async def test_a_source_is_unsealed_once_until_it_changes(sources: Sources, seal: CountingSeal) -> None:
    await sources.create("shop", body(), RANDOM, KINDS)
    for _ in range(3):
        await sources.find(ID)
    assert seal.unsealed == 1

    await sources.pause("shop", ID)
    assert (await found(sources)).paused
    assert seal.unsealed == 2


async def test_a_paused_source_is_still_found_and_resumes(sources: Sources) -> None:
    await sources.create("shop", body(), RANDOM, KINDS)

    assert (await sources.pause("shop", ID))["paused"] is True
    assert (await found(sources)).paused
    assert (await sources.resume("shop", ID))["paused"] is False
    assert not (await found(sources)).paused


async def test_the_types_can_be_mended(sources: Sources) -> None:
    await sources.create("shop", body(), RANDOM, KINDS)
    types = {"orders/paid": {"event": "orders.paid", "version": "v2"}}
    answer = await sources.set_types("shop", ID, types)

    assert answer["types"] == {"orders/paid": {"event": "orders.paid", "version": "v2", "mapping": None}}
    assert (await found(sources)).types == {"orders/paid": VendorType("orders.paid", "v2", None)}
    assert (await found(sources)).secrets == ("first secret",)


async def test_types_that_are_wrong_are_refused_where_they_are(sources: Sources) -> None:
    await sources.create("shop", body(), RANDOM, KINDS)
    with pytest.raises(Invalid) as caught:
        await sources.set_types("shop", ID, {"orders/paid": {"event": "Paid", "more": "x"}, "": {}})

    assert {fault.pointer for fault in caught.value.faults} >= {"/orders~1paid/event", "/orders~1paid/more"}
    with pytest.raises(Invalid):
        await sources.set_types("shop", ID, None)


async def test_a_rotated_secret_keeps_the_one_before(sources: Sources) -> None:
    await sources.create("shop", body(), RANDOM, KINDS)
    await sources.rotate_secret("shop", ID, {"signing": "second secret"})
    assert (await found(sources)).secrets == ("second secret", "first secret")

    await sources.rotate_secret("shop", ID, {"signing": "third secret"})
    assert (await found(sources)).secrets == ("third secret", "second secret")


async def test_another_sections_source_does_not_exist(sources: Sources) -> None:
    await sources.create("shop", body(), RANDOM, KINDS)

    assert await sources.list("bank") == []
    for attempt in (
        sources.read("bank", ID),
        sources.pause("bank", ID),
        sources.resume("bank", ID),
        sources.set_types("bank", ID, {}),
        sources.rotate_secret("bank", ID, {"signing": "their secret"}),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert (await found(sources)).secrets == ("first secret",)


@pytest.mark.parametrize("id", ["", "0" * 31, "A" * 32, "../" + "0" * 29, "0" * 33])
async def test_a_path_that_is_no_id_costs_no_request(sources: Sources, tables: FakeTables, id: str) -> None:
    assert await sources.find(id) is None
    with pytest.raises(NotFound):
        await sources.read("shop", id)
    assert tables.requests == 0


async def test_an_unknown_source_is_none(sources: Sources) -> None:
    assert await sources.find("0" * 32) is None


async def test_a_lost_master_key_is_unavailable_and_never_a_source_without_secrets(
    tables: FakeTables,
) -> None:
    sealed = Sources(Registry(tables), MasterKeySeal(new_master_key()), FakeClock())
    await sealed.create("shop", body(), RANDOM, KINDS)
    assert (await found(sealed)).secrets == ("first secret",)
    later = Sources(Registry(tables), MasterKeySeal(new_master_key()), FakeClock())

    for _ in range(2):
        with pytest.raises(Unavailable):
            await later.find(ID)


async def test_all_faults_come_at_once(sources: Sources) -> None:
    sent = body(
        kind="unknown",
        label="",
        secrets={"signing": "short", "other": "x"},
        types={"a": {"event": "nope"}, "b": {"event": "a.b", "version": ""}},
        extra=1,
    )

    assert await pointers(sources, sent) == [
        "/extra",
        "/kind",
        "/label",
        "/secrets/other",
        "/secrets/signing",
        "/types/a/event",
        "/types/b/version",
    ]


async def test_a_refusal_never_repeats_a_secret(sources: Sources) -> None:
    with pytest.raises(Invalid) as caught:
        await sources.create("shop", body(secrets={"signing": "hush"}), RANDOM, KINDS)

    assert "hush" not in repr(caught.value.faults)
    assert "hush" not in str(caught.value)


async def test_there_is_a_most_of_types(sources: Sources) -> None:
    types = {f"type-{number}": {"event": "a.b"} for number in range(201)}

    assert await pointers(sources, body(types=types)) == ["/types"]


async def test_an_id_of_another_length_is_a_mistake_of_ours(sources: Sources) -> None:
    with pytest.raises(ValueError, match="16 random bytes"):
        await sources.create("shop", body(), bytes(8), KINDS)
