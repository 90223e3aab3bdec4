"""Loading destinations: only known kinds, and each satisfies the frame."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from shared.destinations import KINDS, load, secrets
from shared.destinations.outcomes import judge
from shared.errors import Invalid
from shared.ports import Answer, Failure, NoAnswer


@pytest.mark.parametrize(
    "kind", ["", "os", "outcomes", "webhook.build", "kinds.webhook", "..webhook", "Webhook", "fax"]
)
def test_a_name_that_is_no_kind_is_refused(kind):
    with pytest.raises(Invalid, match="webhook"):
        load(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_satisfies_the_frame(kind):
    plugin = load(kind)

    assert plugin.settings.model_json_schema()["properties"]["timeoutSeconds"]["maximum"] == 30
    assert not plugin.limits.names or plugin.limits.names_are


@pytest.mark.parametrize("kind", KINDS)
def test_the_secrets_that_are_made_fit(kind):
    wanted = load(kind).secrets
    made = secrets.made(wanted, bytes(range(32)))

    assert all(wanted[name].fits(secret) for name, secret in made.items())


@pytest.mark.parametrize("resends", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_and_every_failure_comes_to_something(kind, resends):
    plugin = load(kind)
    answers = [Answer(status, {}, b"") for status in range(100, 600)]
    for answer in [*answers, *(NoAnswer(failure) for failure in get_args(Failure))]:
        outcome = judge(answer, resends=resends, final=plugin.answers, now=datetime.now(UTC))

        assert (outcome.state == "delivered") == (isinstance(answer, Answer) and answer.status // 100 == 2)
        assert (outcome.cause is None) == (outcome.state == "delivered")
