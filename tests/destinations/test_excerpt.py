"""What a receipt keeps of an answer is short, on one line, and holds no secret of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.destinations.excerpt import MAX_EXCERPT, excerpt
from shared.ports import Answer, NoAnswer


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'{"error": "no such event"}', '{"error": "no such event"}'),
        (b"<Error>\r\n  <Code>400</Code>\x00\n</Error>", "<Error> <Code>400</Code> </Error>"),
        ("Fehler: ungültig".encode(), "Fehler: ungültig"),
        (b"\xff\xfe", "��"),
        (b"", None),
        (b" \n", None),
    ],
)
def test_the_beginning_of_an_answer_is_kept_on_one_line(body, kept):
    assert excerpt(Answer(400, {}, body), []) == kept


def test_without_an_answer_there_is_nothing():
    assert excerpt(NoAnswer("timeout"), ["secret"]) is None


def test_a_secret_that_is_repeated_is_hidden_the_longest_first():
    told = excerpt(
        Answer(401, {}, b"Bearer token-1-long was refused, and so was token-1"), ["token-1", "token-1-long"]
    )

    assert told == "Bearer [secret] was refused, and so was [secret]"


@given(st.binary(), st.text(min_size=4))
def test_no_answer_is_too_long_and_no_secret_comes_back(body, secret):
    told = excerpt(Answer(500, {}, body + secret.encode("utf-8", "replace") + body), [secret])

    assert told is None or len(told) <= MAX_EXCERPT
    assert told is None or secret not in told or secret in "[secret]"
