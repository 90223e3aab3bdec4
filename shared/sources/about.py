"""What people should know of a kind of sender, as the module says it of itself; the page about webhooks is made of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class About:
    """A row of the table of kinds in docs/webhooks.md, in Markdown and without full stops at the ends.

    `repeat`: what is the same on every retry of a delivery, which is what makes it a repeat.
    `signed`: what the signature covers and how old it may be; empty for a sender that only carries a secret.
    `notes`: what else is worth knowing to who sets the sender up.
    """

    repeat: str
    signed: str = ""
    notes: str = ""
