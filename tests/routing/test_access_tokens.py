"""Access tokens: asked for once for many, kept until shortly before their end, and asked for anew when refused."""

import asyncio
import json
from datetime import timedelta

import pytest

from shared.destinations.access import OwnIdentity, client_credentials
from shared.ports import AccessToken, Answer, NoAnswer
from shared.routing.access_tokens import FAILED_FOR, RENEWED_BEFORE, AccessTokens
from tests.fakes import FakeClock, FakeHttp, FakeIdentity

ACCESS = client_credentials("https://login.example.com/token", "app", "secret", "scope")
CRM = ("demo", "crm")


def told(text: str, seconds: int = 3_600) -> Answer:
    return Answer(200, {}, json.dumps({"access_token": text, "expires_in": seconds}).encode())


class Endpoint:
    """A token endpoint, and the tokens that come of it."""

    def __init__(self, *answers: Answer | NoAnswer, identity: FakeIdentity | None = None) -> None:
        self.http, self.clock = FakeHttp(*answers), FakeClock()
        self.tokens = AccessTokens(self.http, identity or FakeIdentity(), self.clock)

    async def get(self, secret: str = "secret", place: tuple[str, str] = CRM) -> str | None:
        access = client_credentials("https://login.example.com/token", "app", secret, "scope")
        return await self.tokens.get(place, access)

    @property
    def asked(self) -> int:
        return len(self.http.requests)


async def test_many_deliveries_ask_once():
    endpoint = Endpoint(told("t1"))

    assert await asyncio.gather(*(endpoint.get() for _ in range(50))) == ["t1"] * 50
    assert endpoint.asked == 1


async def test_a_token_is_renewed_shortly_before_its_end():
    endpoint = Endpoint(told("t1"), told("t2"))
    await endpoint.get()

    endpoint.clock.time += timedelta(seconds=3_600) - RENEWED_BEFORE - timedelta(seconds=1)
    assert await endpoint.get() == "t1"

    endpoint.clock.pass_(seconds=1)
    assert await endpoint.get() == "t2"


async def test_a_short_lived_token_is_used_for_half_its_life():
    endpoint = Endpoint(told("t1", seconds=60), told("t2"))
    await endpoint.get()

    endpoint.clock.pass_(seconds=29)
    assert await endpoint.get() == "t1"

    endpoint.clock.pass_(seconds=1)
    assert await endpoint.get() == "t2"


async def test_what_breaks_is_asked_anew():
    class Broken(FakeIdentity):
        async def token(self, scope):
            await super().token(scope)
            raise ZeroDivisionError

    endpoint = Endpoint(identity=(identity := Broken()))

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await endpoint.tokens.get(CRM, OwnIdentity("scope"))
    assert identity.asked == ["scope"] * 2


async def test_a_refused_token_is_not_used_again():
    endpoint = Endpoint(told("t1"), told("t2"))
    await endpoint.get()

    endpoint.tokens.forget(CRM, "t1")

    assert await endpoint.get() == "t2"


async def test_a_late_refusal_of_the_token_before_costs_nothing():
    endpoint = Endpoint(told("t1"), told("t2"))
    await endpoint.get()
    endpoint.tokens.forget(CRM, "t1")
    await endpoint.get()

    endpoint.tokens.forget(CRM, "t1")

    assert await endpoint.get() == "t2"
    assert endpoint.asked == 2


@pytest.mark.parametrize("failed", [Answer(401, {}, b""), NoAnswer("timeout"), told("t", seconds=0)])
async def test_a_failure_stands_for_a_while_so_that_the_endpoint_is_not_flooded(failed):
    endpoint = Endpoint(failed, told("t2"))

    assert [await endpoint.get() for _ in range(5)] == [None] * 5
    assert endpoint.asked == 1

    endpoint.clock.time += FAILED_FOR
    assert await endpoint.get() == "t2"


async def test_a_new_secret_is_tried_at_once():
    endpoint = Endpoint(Answer(401, {}, b""), told("t2"))
    await endpoint.get("old")

    assert await endpoint.get("new") == "t2"


async def test_each_destination_has_its_own():
    endpoint = Endpoint(told("t1"), told("t2"))

    assert [await endpoint.get(), await endpoint.get(place=("demo", "erp"))] == ["t1", "t2"]


async def test_one_who_gives_up_waiting_takes_nothing_from_the_others():
    endpoint = Endpoint(told("t1"))
    first = asyncio.create_task(endpoint.get())
    second = asyncio.create_task(endpoint.get())
    await asyncio.sleep(0)
    first.cancel()

    assert await second == "t1"


async def test_the_apps_own_identity_is_asked_for_the_scope():
    clock = FakeClock()
    identity = FakeIdentity(scope=AccessToken("mine", clock.now() + timedelta(hours=1)))
    endpoint = Endpoint(identity=identity)

    assert await endpoint.tokens.get(CRM, OwnIdentity("scope")) == "mine"
    assert await endpoint.tokens.get(("demo", "erp"), OwnIdentity("other")) is None
    assert identity.asked == ["scope", "other"]
