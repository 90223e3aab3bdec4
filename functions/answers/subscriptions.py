"""Answers about subscriptions."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from functions.answers import Time


class Subscription(TypedDict):
    """A subscription, without its secret."""

    id: str
    events: list[str]
    url: str
    purpose: str | None
    destination: str | None
    definition: str | None
    status: Literal["active", "disabled"]
    createdAt: Time
    disabledAt: NotRequired[Time]
    disabledReason: NotRequired[str]


class NewSubscription(Subscription):
    """A subscription with the secret that signs what it is sent, which is shown this once."""

    secrets: dict[str, str]


class ResumedSubscription(Subscription):
    """A subscription with how many parked deliveries were let go."""

    resumed: int


class Subscriptions(TypedDict):
    """The section's subscriptions, by id."""

    subscriptions: list[Subscription]
