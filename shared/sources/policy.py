"""What a sender makes of our answers, as data: which are success, which it repeats, which lose or end something."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Reaction(StrEnum):
    """What a sender does about the status of an answer."""

    SUCCESS = "success"
    RETRIED = "retried"
    LOST = "lost"
    """It never sends this webhook again."""
    DISABLES = "disables"
    """It never sends any webhook again until somebody turns it on there."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a sender takes our answers, by its documentation; each kind names the page.

    `success`: first and last status of what it takes for success.
    `lost`: what it never repeats; `disables`: what ends the subscription at once.
    `retries`: `all`: whatever is in none of these is repeated; `some`: only what `retried` lists; `none`: nothing.
    `seconds`: how long it waits for an answer, None where it does not say.
    `gives_up`: how long it goes on, and what it does to us then, as a sentence.
    `accepted`: what we answer a webhook that is taken in or kept; a greeting is answered exactly 200.
    """

    gives_up: str
    seconds: float | None = None
    success: tuple[int, int] = (200, 299)
    lost: frozenset[int] = frozenset()
    disables: frozenset[int] = frozenset()
    retries: Literal["all", "some", "none"] = "all"
    retried: frozenset[int] = frozenset()
    accepted: Literal[200, 202] = 202

    def __post_init__(self) -> None:
        if self.reaction(self.accepted) is not Reaction.SUCCESS:
            raise ValueError(f"this sender does not take {self.accepted} for success")
        if (self.retries == "some") != bool(self.retried):
            raise ValueError("what is retried is listed if and only if it is some")

    def reaction(self, status: int) -> Reaction:
        """What the sender does when it is answered with this status."""
        if self.success[0] <= status <= self.success[1]:
            return Reaction.SUCCESS
        if status in self.disables:
            return Reaction.DISABLES
        repeats = self.retries == "all" or status in self.retried
        return Reaction.RETRIED if repeats and status not in self.lost else Reaction.LOST
