"""The webhook's bytes and signatures, checked with the published vectors and another implementation."""

import base64
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from shared import exact
from shared.destinations import Parcel, secrets
from shared.destinations.kinds import webhook
from shared.errors import Invalid
from shared.event import Event, Person, Stored
from shared.exact import Json, Number
from shared.ports import Outgoing

SETTINGS = webhook.Settings(url="https://hooks.example.com/")
SECRET = secrets.made(webhook.DESTINATION.secrets, bytes(range(32)))["signingSecret"]
OTHER = secrets.made(webhook.DESTINATION.secrets, bytes(range(1, 33)))["signingSecret"]


RECEIVED = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)


def now() -> datetime:
    """The time now: the reference implementation takes a signature for five minutes."""
    return datetime.now(UTC)


def parcel(properties: Json = None) -> Parcel:
    event = Event(
        event="transactions.order-placed",
        version="v_1",
        purpose="commercial",
        retention_days=30,
        person=Person(email="ada@example.com"),
        properties={"never": "sent"},
        occurred_at=None,
        received_at=RECEIVED,
        source="checkout",
        source_id="src_1",
        trust="server",
        key=None,
        test=False,
    )
    return Parcel("dlv_1", Stored("019aa9d2-0a80-8001-8000-000000000080", event), properties or {}, 1)


def check(given: dict[str, str]) -> None:
    secrets.check("webhook", webhook.DESTINATION.secrets, given)


def build(properties: Json = None, **given: str) -> Outgoing:
    return webhook.build(SETTINGS, given or {"signingSecret": SECRET}, parcel(properties), now())


@pytest.mark.parametrize(
    ("key", "id", "timestamp", "body", "signature"),
    [
        pytest.param(
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            id="Standard Webhooks libraries' tests",
        ),
        pytest.param(
            "plJ3nmyCDGBKInavdOK15jsl",
            "msg_loFOjxBNrRLzqYUf",
            1731705121,
            b'{"event_type":"ping","data":{"success":true}}',
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
            id="Svix documentation",
        ),
    ],
)
def test_a_published_vector_gives_its_signature(key, id, timestamp, body, signature):
    assert webhook.signature(base64.b64decode(key), id, timestamp, body) == signature


def test_another_implementation_verifies_the_request():
    request = build({"totalValue": Number("42.50")})

    message = Webhook(SECRET).verify(request.body, dict(request.headers))

    assert message["data"]["properties"] == {"totalValue": 42.5}


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_both_live_secrets_verify_the_request(secret):
    request = build(signingSecret=SECRET, previousSigningSecret=OTHER)

    Webhook(secret).verify(request.body, dict(request.headers))

    assert len(request.headers["webhook-signature"].split(" ")) == 2


def test_another_secret_does_not_verify_the_request():
    request = build()

    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(request.body, dict(request.headers))


def test_a_changed_body_does_not_verify():
    request = build()

    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", dict(request.headers))


def test_a_later_attempt_keeps_the_id_and_signs_its_own_time():
    later = webhook.build(
        SETTINGS, {"signingSecret": SECRET}, parcel(), now().replace(year=now().year + 1, day=1)
    )

    assert later.headers["webhook-id"] == build().headers["webhook-id"]
    assert later.body == build().body
    assert later.headers["webhook-signature"] != build().headers["webhook-signature"]


def test_only_the_mapped_properties_are_sent():
    data = exact.loads(build({"a": "b"}).body)["data"]

    assert data["properties"] == {"a": "b"}


def test_only_the_identifiers_that_were_sent_are_there():
    assert exact.loads(build().body)["data"]["person"] == {"email": "ada@example.com"}


NUMBER_TEXT = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)


@given(NUMBER_TEXT)
def test_number_text_goes_out_as_it_came_in(text):
    body = build(exact.loads(f'{{"n":{text},"list":[{text}]}}')).body

    assert f'"properties":{{"n":{text},"list":[{text}]}}'.encode() in body


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(st.characters(codec="utf-8")) | NUMBER_TEXT.map(Number),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=10,
    )
)
def test_any_json_survives_and_verifies(value):
    request = build({"v": value})

    assert exact.loads(request.body)["data"]["properties"] == {"v": value}
    Webhook(SECRET).verify(request.body, dict(request.headers), json_parse=False)


def test_a_made_secret_holds_32_bytes():
    assert base64.b64decode(SECRET.removeprefix("whsec_")) == bytes(range(32))


@pytest.mark.parametrize("length", [24, 32, 63, 64])
def test_a_secret_of_24_to_64_bytes_is_taken(length):
    encoded = base64.b64encode(bytes(length)).decode()

    check({"signingSecret": f"whsec_{encoded}"})
    check({"signingSecret": f" v1,whsec_{encoded.rstrip('=')}\n"})


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        base64.b64encode(bytes(32)).decode(),
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_not base64 at all, whatever its length",
        "whsec_" + "ø" * 40,
        "whsk_" + base64.b64encode(bytes(32)).decode(),
    ],
)
def test_any_other_secret_is_refused_without_repeating_it(secret):
    with pytest.raises(Invalid) as caught:
        check({"signingSecret": secret})

    assert [fault.pointer for fault in caught.value.faults] == ["/secrets/signingSecret"]
    hidden = secret.removeprefix("whsec_")
    assert not hidden or hidden not in repr((caught.value.detail, caught.value.faults))


def test_every_bad_secret_is_named_at_once():
    with pytest.raises(Invalid) as caught:
        check({"previousSigningSecret": "short"})

    assert [fault.pointer for fault in caught.value.faults] == [
        "/secrets/signingSecret",
        "/secrets/previousSigningSecret",
    ]


def test_a_number_is_compared_by_value_but_written_by_text():
    assert exact.loads(build({"n": Number("1.0")}).body)["data"]["properties"]["n"] == Decimal(1)
