"""What a token endpoint's answer is taken for: a token until the sooner of its ends, or none."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.destinations.access import WITHOUT_EXPIRY, client_credentials, read_token
from shared.ports import AccessToken, Answer

NOW = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)


def answer(status: int = 200, **members: object) -> Answer:
    return Answer(status, {}, json.dumps(members).encode())


def jwt(**claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{body}.c2ln"


def until(token: AccessToken | None) -> timedelta:
    assert token is not None
    return token.until - NOW


@pytest.mark.parametrize("seconds", [3_599, "3599", 3_599.0])
def test_a_token_lasts_as_long_as_its_endpoint_says(seconds):
    assert read_token(answer(access_token="t", expires_in=seconds), NOW) == AccessToken(
        "t", NOW + timedelta(seconds=3_599)
    )


def test_the_sooner_end_counts():
    soon = int((NOW + timedelta(minutes=10)).timestamp())

    assert until(read_token(answer(access_token=jwt(exp=soon), expires_in=86_400), NOW)) == timedelta(
        minutes=10
    )
    assert until(read_token(answer(access_token=jwt(exp=soon), expires_in=60), NOW)) == timedelta(minutes=1)


@pytest.mark.parametrize("token", ["opaque", "a.b.c", jwt(), jwt(exp="never"), jwt(exp=1e300), "..."])
def test_a_token_that_names_no_end_is_used_for_a_while(token):
    assert until(read_token(answer(access_token=token), NOW)) == WITHOUT_EXPIRY


@pytest.mark.parametrize(
    "reply",
    [
        answer(400, error="invalid_client"),
        answer(401, access_token="t"),
        answer(200),
        answer(200, access_token=""),
        answer(200, access_token=7),
        answer(200, access_token="å"),
        answer(200, access_token="t" * 20_000),
        Answer(200, {}, b"<html>"),
        Answer(200, {}, b"[]"),
        Answer(200, {}, b""),
    ],
)
def test_anything_else_is_no_token(reply):
    assert read_token(reply, NOW) is None


@given(st.binary())
def test_no_answer_breaks_the_reader(body):
    read_token(Answer(200, {}, body), NOW)


def test_the_secret_is_in_the_body_and_in_no_text_of_ours():
    asked = client_credentials("https://login.example.com/token", "app", "s3cret&", "https://x/.default")

    assert asked.request.body == (
        b"grant_type=client_credentials&client_id=app&client_secret=s3cret%26&scope=https%3A%2F%2Fx%2F.default"
    )
    assert "s3cret" not in repr(asked)
