"""How a sender's policy reads an answer."""

import pytest

from shared.sources import Policy
from shared.sources.policy import Reaction

SOME = Policy(
    gives_up="It stops.",
    success=(200, 204),
    retries="some",
    retried=frozenset({429, 503}),
    disables=frozenset({410}),
)
ALL = Policy(gives_up="It stops.", lost=frozenset({400, 401}), disables=frozenset({404}))
NONE = Policy(gives_up="It stops.", retries="none")


@pytest.mark.parametrize(
    ("policy", "status", "reaction"),
    [
        (SOME, 204, Reaction.SUCCESS),
        (SOME, 206, Reaction.LOST),
        (SOME, 503, Reaction.RETRIED),
        (SOME, 500, Reaction.LOST),
        (SOME, 410, Reaction.DISABLES),
        (ALL, 299, Reaction.SUCCESS),
        (ALL, 300, Reaction.RETRIED),
        (ALL, 401, Reaction.LOST),
        (ALL, 404, Reaction.DISABLES),
        (NONE, 503, Reaction.LOST),
    ],
)
def test_an_answer_means_to_a_sender_what_its_policy_says(policy, status, reaction):
    assert policy.reaction(status) is reaction


@pytest.mark.parametrize(
    "wrong", [{"success": (200, 200)}, {"retries": "some"}, {"retried": frozenset({503})}]
)
def test_a_policy_that_contradicts_itself_cannot_be_written(wrong):
    with pytest.raises(ValueError, match=r"\w"):
        Policy(gives_up="It stops.", **wrong)
