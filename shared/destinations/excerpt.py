"""An excerpt of what a destination answered, for the person who reads the receipt: short, and without our secrets."""

from collections.abc import Iterable

from shared.ports import Answer, NoAnswer

MAX_EXCERPT = 500
"""Characters."""
LEAST_HIDDEN = 4
"""Characters of a secret: shorter ones are parts of any text."""
HIDDEN = "[secret]"


def without(text: str, secrets: Iterable[str]) -> str:
    """A text with HIDDEN in the place of each secret, unless that is too short to be told apart."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= LEAST_HIDDEN:
            text = text.replace(secret, HIDDEN)
    return text


def excerpt(answer: Answer | NoAnswer, secrets: Iterable[str]) -> str | None:
    """The beginning of an answer's body on one line; None where there is none. An API may repeat what it was sent."""
    if isinstance(answer, NoAnswer):
        return None
    text = without(answer.body.decode("utf-8", errors="replace"), secrets)
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line[:MAX_EXCERPT] or None
