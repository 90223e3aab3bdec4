"""Who asks is told where they may do what: a connector tries its credential so, and offers the sections."""

import pytest

from local.client import Client
from shared.access.rights import Scope
from tests.functions.asking import assert_problem
from tests.functions.conftest import MakeKey, Place, Principal, app_with, token_of
from tests.functions.test_preflight import SHOP
from tests.running import Running


def me(running: Running, credential: str) -> Client:
    return Client.keyed(running.stack.base_url, credential)


def test_a_key_is_told_its_section_and_what_it_may_do_there(running: Running, make_key: MakeKey):
    made = make_key("delivery:write", events=["transactions.order-placed"])

    answer = me(running, made["key"]).get("/v1/me")

    assert answer.status == 200
    [there] = answer.doc["sections"]
    assert (there["id"], there["name"], there["status"]) == ("demo", "Demo", "active")
    assert (there["credential"], there["source"]) == (made["id"], "tests")
    assert there["scopes"] == ["delivery:read", "delivery:write"]
    assert there["events"] == ["transactions.order-placed"]
    assert "ratelimit" in answer.headers


def test_a_deployment_key_is_told_of_every_section(running: Running, stranger: Place):
    told = me(running, running.deployment_key).get("/v1/me").doc["sections"]

    assert {"demo", stranger.section} <= {one["id"] for one in told}
    assert [one["id"] for one in told] == sorted(one["id"] for one in told)


def test_a_token_is_told_of_the_sections_that_its_client_is_registered_in(
    running: Running, stranger: Place, principal: Principal
):
    token = principal("operator", scopes=["events:write", "operate"]).headers["Authorization"].split()[1]

    [there] = me(running, token).get("/v1/me").doc["sections"]

    assert (there["id"], there["source"]) == ("demo", "erp")
    assert there["scopes"] == [Scope.OPERATE, Scope.QUARANTINE_READ]


def test_a_token_of_a_client_that_is_registered_nowhere_is_told_what_to_do(running: Running):
    token = token_of(running.stack.issuer_url, app_with("ingest"))

    answer = me(running, token).get("/v1/me")

    assert_problem(answer, 403, "forbidden")
    assert "POST /v1/clients" in answer.doc["detail"]


@pytest.mark.parametrize("credential", ["sbx_wrong", "a.b.c"])
def test_a_wrong_credential_is_refused(running: Running, credential: str):
    assert_problem(me(running, credential).get("/v1/me"), 401, "unauthenticated")


def test_without_a_credential_nothing_is_told(running: Running):
    assert_problem(running.anonymous.get("/v1/me"), 401, "unauthenticated")


def test_a_revoked_key_is_told_nothing(running: Running, make_key: MakeKey):
    made = make_key("operate")
    running.operator.post(f"/v1/keys/{made['id']}/revoke")

    assert_problem(me(running, made["key"]).get("/v1/me"), 401, "unauthenticated")


def test_a_key_for_pages_is_told_nothing_elsewhere(running: Running, make_key: MakeKey):
    made = make_key("events:write", origins=[SHOP], events=["transactions.order-placed"])

    assert_problem(me(running, made["key"]).get("/v1/me"), 403, "forbidden")


def test_asking_counts_like_any_other_request(running: Running, make_key: MakeKey):
    asking = me(running, make_key("operate", perMinute=2)["key"])

    answers = [asking.get("/v1/me") for _ in range(4)]

    assert [one.status for one in answers[:2]] == [200, 200]
    assert_problem(answers[-1], 429, "quota-exceeded")
    assert "retry-after" in answers[-1].headers
