"""An excerpt of what a destination answered, for the person who reads the receipt: short, and without our secrets."""

from collections.abc import Iterable

from shared.ports import Answer, NoAnswer

MAX_EXCERPT = 500
"""Characters."""
LEAST_HIDDEN = 4
"""Characters of a secret: shorter ones are parts of any text."""
HIDDEN = "[secret]"


def excerpt(answer: Answer | NoAnswer, secrets: Iterable[str]) -> str | None:
    """The beginning of an answer's body on one line; None where there is none. An API may repeat what it was sent."""
    if isinstance(answer, NoAnswer):
        return None
    text = answer.body.decode("utf-8", errors="replace")
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= LEAST_HIDDEN:
            text = text.replace(secret, HIDDEN)
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line[:MAX_EXCERPT] or None
