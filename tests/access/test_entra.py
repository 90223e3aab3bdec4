"""Access tokens, good and bad: only what the issuer signed with RS256, for this API and now, comes through."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from shared.access.claims import SKEW_SECONDS
from shared.access.entra import KNOWN_SECONDS, MAX_TOKEN, Entra
from shared.access.issuer import Issuer
from shared.access.rights import Scope
from shared.access.signing_keys import COOL_DOWN_SECONDS
from shared.errors import Unauthenticated, Unavailable
from shared.ports import NoAnswer
from tests.access.issuing import AUDIENCE, AUTHORITY, CLIENT, ISSUER, KEYS, TENANT, PlayedIssuer
from tests.fakes import FakeClock

OTHER = "11111111-2222-4333-8444-555566667777"
V1 = {"ver": "1.0", "iss": f"{AUTHORITY}/{TENANT}/", "azp": None, "appid": CLIENT}


@pytest.fixture
def entra(issuer: PlayedIssuer, clock: FakeClock) -> Entra:
    return Entra(ISSUER, issuer, clock)


async def refusal(entra: Entra, text: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await entra.read(text)
    assert len(text) < 4 or text not in caught.value.detail
    return caught.value.detail


def written(header: dict[str, Any], claims: Any, signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode()]
    return b".".join([*map(encoded, parts), encoded(signature)]).decode()


def encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def claims_of(issuer: PlayedIssuer) -> dict[str, Any]:
    return issuer.mint.claims(CLIENT, ["ingest"], issuer.clock.now())


async def test_a_token_of_the_issuer_says_which_client_it_is_and_what_it_may_do(entra, issuer):
    grant = await entra.read(issuer.token("ingest", "events:read"))

    assert grant.client == CLIENT
    assert grant.scopes == {Scope.EVENTS_WRITE, Scope.EVENTS_READ}


async def test_a_token_of_the_first_version_names_issuer_and_client_in_its_own_way(entra, issuer):
    assert (await entra.read(issuer.token("ingest", **V1))).client == CLIENT


def test_microsofts_issuers_are_called_as_its_documentation_says():
    issuer = Issuer(TENANT, frozenset({AUDIENCE}))

    assert issuer.name == f"https://login.microsoftonline.com/{TENANT}/v2.0"
    assert issuer.v1_name == f"https://sts.windows.net/{TENANT}/"


@pytest.mark.parametrize("audience", [*ISSUER.audiences, ["https://other.example.com", AUDIENCE]])
async def test_each_name_of_the_api_is_an_audience(entra, issuer, audience):
    assert (await entra.read(issuer.token("ingest", aud=audience))).client == CLIENT


@pytest.mark.parametrize("client", [CLIENT.upper(), CLIENT])
async def test_a_clients_id_is_written_in_lower_case(entra, issuer, client):
    assert (await entra.read(issuer.token(azp=client))).client == CLIENT


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"aud": "api://another"}, "another API"),
        ({"aud": None}, "another API"),
        ({"aud": 5}, "another API"),
        ({"aud": []}, "another API"),
        ({"iss": f"{AUTHORITY}/{OTHER}/v2.0"}, "another issuer"),
        ({"iss": f"{AUTHORITY}/{TENANT}/v2.0/"}, "another issuer"),
        ({"iss": f"{AUTHORITY}/{TENANT}/"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"iss": [f"{AUTHORITY}/{TENANT}/v2.0"]}, "another issuer"),
        ({**V1, "iss": f"{AUTHORITY}/{TENANT}/v2.0"}, "another issuer"),
        ({"ver": None}, "another issuer"),
        ({"ver": "3.0"}, "another issuer"),
        ({"ver": ["2.0"]}, "another issuer"),
        ({"tid": OTHER}, "another issuer"),
        ({"tid": None}, "another issuer"),
        ({"exp": None}, "lacks one of its times"),
        ({"nbf": None}, "lacks one of its times"),
        ({"iat": None}, "lacks one of its times"),
        ({"exp": "2099-01-01"}, "lacks one of its times"),
        ({"exp": float("nan")}, "lacks one of its times"),
        ({"exp": True}, "lacks one of its times"),
        ({"azp": None}, "names no client"),
        ({"azp": 5}, "names no client"),
        ({"azp": "../../admin"}, "names no client"),
        ({"azp": None, "appid": CLIENT}, "names no client"),
        ({**V1, "azp": CLIENT, "appid": None}, "names no client"),
    ],
    ids=str,
)
async def test_a_token_that_is_not_for_here_is_refused_with_what_to_do(entra, issuer, changes, told):
    assert told in await refusal(entra, issuer.token("ingest", **changes))


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
async def test_clocks_may_be_a_little_apart(entra, issuer, clock, name):
    now, way = int(clock.now().timestamp()), -1 if name == "exp" else 1
    within, beyond = now + way * (SKEW_SECONDS - 1), now + way * (SKEW_SECONDS + 1)

    assert (await entra.read(issuer.token(**{name: within}))).client == CLIENT
    assert ("expired" if name == "exp" else "not valid yet") in await refusal(
        entra, issuer.token(**{name: beyond})
    )


async def test_a_token_is_good_until_it_expires(entra, issuer, clock):
    token = issuer.token("ingest")
    clock.pass_(hours=1, seconds=SKEW_SECONDS - 1)
    await entra.read(token)
    clock.pass_(seconds=1)

    assert "expired" in await refusal(entra, token)


async def test_a_token_whose_key_was_withdrawn_is_refused_soon_after_the_keys_were_fetched(
    entra, issuer, clock
):
    old = issuer.token("ingest")
    await entra.read(old)
    issuer.withdraw()
    clock.pass_(seconds=COOL_DOWN_SECONDS)
    await entra.read(old)
    await entra.read(issuer.token("ingest"))
    clock.pass_(seconds=KNOWN_SECONDS)

    assert "no key of this API's issuer" in await refusal(entra, old)


async def test_a_token_that_is_known_for_good_vouches_for_no_other(entra, issuer):
    good = issuer.token("ingest")
    await entra.read(good)
    other = jwt.encode(claims_of(issuer), KEYS[2].private, "RS256", headers={"kid": KEYS[0].id})

    assert "signature" in await refusal(entra, other)
    assert "signature" in await refusal(entra, f"{good[:-4]}AAAA")


@pytest.mark.parametrize("name", ["none", "None", "NONE", "", None])
async def test_a_token_without_a_signature_is_refused(entra, issuer, name):
    header = {"typ": "JWT", "alg": name, "kid": KEYS[0].id}

    assert "RS256" in await refusal(entra, written(header, claims_of(issuer)))
    assert issuer.asked == []


@pytest.mark.parametrize("form", [(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "n"])
@pytest.mark.parametrize(("name", "digest"), [("HS256", hashlib.sha256), ("HS512", hashlib.sha512)])
async def test_a_public_key_is_no_secret_to_sign_with(entra, issuer, form, name, digest):
    public = KEYS[0].private.public_key()
    secret = KEYS[0].jwk["n"].encode() if form == "n" else public.public_bytes(*form)
    unsigned = written({"alg": name, "kid": KEYS[0].id}, claims_of(issuer)).rpartition(".")[0]
    signature = encoded(hmac.digest(secret, unsigned.encode(), digest)).decode()

    assert "RS256" in await refusal(entra, f"{unsigned}.{signature}")


@pytest.mark.parametrize("name", ["RS384", "RS512", "PS256"])
async def test_another_algorithm_of_the_same_key_is_refused(entra, issuer, name):
    token = jwt.encode(claims_of(issuer), KEYS[0].private, name, headers={"kid": KEYS[0].id})

    assert "RS256" in await refusal(entra, token)


async def test_another_key_under_a_known_id_is_refused(entra, issuer):
    token = jwt.encode(claims_of(issuer), KEYS[2].private, "RS256", headers={"kid": KEYS[0].id})

    assert "signature" in await refusal(entra, token)


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
async def test_a_key_that_a_token_brings_along_counts_for_nothing(entra, issuer, name):
    brought = {"jwk": KEYS[2].jwk, "x5c": ["MII"]}.get(name, "https://evil.example.com/keys")
    header = {"kid": KEYS[2].id, name: brought}
    token = jwt.encode(claims_of(issuer), KEYS[2].private, "RS256", headers=header)

    assert "no key of this API's issuer" in await refusal(entra, token)
    assert not [url for url in issuer.asked if "evil" in url]


async def test_an_extension_that_must_be_understood_is_not(entra, issuer):
    header = {"alg": "RS256", "kid": KEYS[0].id, "crit": ["exp"], "exp": 1}
    unsigned = written(header, claims_of(issuer)).rpartition(".")[0]
    signature = KEYS[0].private.sign(unsigned.encode(), PKCS1v15(), SHA256())
    token = f"{unsigned}.{encoded(signature).decode()}"

    assert await refusal(entra, token)


async def test_a_token_that_names_no_key_is_refused(entra, issuer):
    token = jwt.encode(claims_of(issuer), KEYS[0].private, "RS256")

    assert "RS256" in await refusal(entra, token)
    assert issuer.asked == []


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_changed_part_breaks_the_signature(entra, issuer, part):
    parts = issuer.token("ingest").split(".")
    other = issuer.token("admin", exp=1).split(".")
    if part == 0:
        other[0] = encoded(json.dumps({"kid": KEYS[0].id, "alg": "RS256"}).encode()).decode()
    parts[part] = other[part]

    assert "signature" in await refusal(entra, ".".join(parts))


@pytest.mark.parametrize(
    "text",
    [
        ".",
        "..",
        "...",
        "a.b.c",
        "eyJhbGciOiJSUzI1NiJ9.e30",
        "eyJhbGciOiJSUzI1NiJ9.e30.x.y.z",
        "å.å.å",
        "\x00.\x00.\x00",
        f"{encoded(b'[' * 9_000).decode()}.e30.e30",
        f"{encoded(b'[]').decode()}.e30.e30",
        f"{encoded(json.dumps({'alg': 'RS256', 'kid': 5}).encode()).decode()}.e30.e30",
        f"{encoded(json.dumps({'alg': ['RS256'], 'kid': 'k'}).encode()).decode()}.e30.e30",
    ],
)
async def test_what_is_no_token_is_refused_without_asking_anybody(entra, issuer, text):
    assert await refusal(entra, text)
    assert issuer.asked == []


@pytest.mark.parametrize("payload", [b"[]", b"5", b'"text"', b"", b"{", b"\xff", b"[" * 5_000])
async def test_a_signed_text_that_is_no_set_of_claims_is_refused(entra, payload):
    token = jwt.PyJWS().encode(payload, KEYS[0].private, "RS256", headers={"kid": KEYS[0].id})

    assert await refusal(entra, token)


async def test_a_token_that_is_too_long_is_not_even_read(entra, issuer):
    assert f"{MAX_TOKEN:,}" in await refusal(entra, issuer.token(padding="x" * MAX_TOKEN))
    assert issuer.asked == []


@given(text=st.text(max_size=60), place=st.integers(0, 900))
async def test_no_damaged_token_ever_comes_through(text, place):
    clock = FakeClock()
    played = PlayedIssuer(clock)
    entra, good = Entra(ISSUER, played, clock), played.token("admin")
    damaged = good[:place] + text + good[place + len(text) :]

    if damaged != good:
        with pytest.raises(Unauthenticated):
            await entra.read(damaged)


async def test_made_up_key_ids_cost_one_fetch_a_cool_down(entra, issuer, clock):
    await entra.read(issuer.token())
    clock.pass_(minutes=1)
    for number in range(50):
        token = jwt.encode(claims_of(issuer), KEYS[2].private, "RS256", headers={"kid": f"k{number}"})
        assert "no key of this API's issuer" in await refusal(entra, token)

    assert issuer.fetches == 2


async def test_while_the_issuer_was_never_there_a_good_token_is_not_called_wrong(entra, issuer):
    issuer.away = NoAnswer("timeout")

    with pytest.raises(Unavailable):
        await entra.read(issuer.token("ingest"))


async def test_a_known_key_serves_while_the_issuer_is_away(entra, issuer, clock):
    await entra.read(issuer.token("ingest"))
    issuer.away = NoAnswer("timeout")
    clock.pass_(days=1)

    assert (await entra.read(issuer.token("ingest"))).client == CLIENT


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"roles": ["ingest"]}, {Scope.EVENTS_WRITE}),
        ({"roles": ["definitions:write"]}, {Scope.DEFINITIONS_WRITE, Scope.DEFINITIONS_READ}),
        ({"roles": ["admin"]}, set(Scope)),
        ({"roles": None}, set()),
        ({"roles": []}, set()),
        ({"roles": ["Ingest", "unheard-of", 5, None]}, set()),
        ({"roles": "ingest"}, {Scope.EVENTS_WRITE}),
        ({"roles": {"ingest": True}}, set()),
        ({"roles": ["ingest"], "scp": "access_as_user"}, {Scope.EVENTS_WRITE}),
        ({"roles": ["admin"], "scp": "events:read definitions:read"}, {Scope.EVENTS_READ, Scope.DEFINITIONS_READ}),
        ({"roles": ["developer"], "scp": "definitions:read"}, {Scope.DEFINITIONS_READ}),
        ({"roles": ["admin"], "scp": "User.Read"}, set()),
        ({"roles": ["admin"], "scp": ""}, set()),
        ({"roles": ["admin"], "scp": ["events:read"]}, set()),
        ({"roles": None, "scp": "events:write"}, set()),
    ],
)  # fmt: skip
async def test_an_app_has_its_roles_and_for_a_person_no_more_than_the_person(entra, issuer, claims, scopes):
    assert (await entra.read(issuer.token(**claims))).scopes == scopes
