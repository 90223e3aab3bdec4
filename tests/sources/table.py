"""The two tables of kinds, in the README and in docs/webhooks.md, made of what the kinds say of themselves.

After a change: python -m tests.sources.table
"""

import re
from pathlib import Path

from shared.sources import KINDS, Policy, SharedSecret
from shared.sources.genuine import Proof
from tests.sources.cases import kind_of
from tests.sources.vendors import checked_by

ROOT = Path(__file__).parents[2]
BETWEEN = re.compile(r"(?<=<!-- kinds -->\n).*?(?=<!-- /kinds -->)", re.DOTALL)
REACTIONS = "| Kind | How it shows who it is | Suggested for | It repeats | It waits | In the end | Tested with |\n|---|---|---|---|---|---|---|\n"
SET_UP = {"generic": "as its settings say"}
ABOUT = "| Kind | Signed | A repeat has the same | Worth knowing |\n|---|---|---|---|\n"
CARRIED = "nothing: the secret is [carried](#senders-that-carry-a-secret)"
HASHES = {"sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512"}


def reactions() -> str:
    """How each kind's vendor takes our answers."""
    return REACTIONS + "".join(reaction(kind) for kind in KINDS)


def about() -> str:
    """What each kind signs, what makes a repeat, and what else is worth knowing."""
    told = {kind: kind_of(kind).about for kind in KINDS}
    rows = (
        f"| `{kind}` | {one.signed or CARRIED} | {one.repeat} | {one.notes} |\n" for kind, one in told.items()
    )
    return ABOUT + "".join(rows)


def reaction(kind: str) -> str:
    """A row of the README's table."""
    plugin = kind_of(kind)
    proofs = SET_UP.get(kind) or "; else ".join(proof_text(one) for one in plugin.proofs)
    types = ", ".join(f"`{name}`" for name in plugin.mappings) or "nothing"
    policy = plugin.policy
    wait = "not said" if policy.seconds is None else f"{policy.seconds:g} s"
    return f"| `{kind}` | {proofs} | {types} | {repeats(policy)} | {wait} | {policy.gives_up} | {checked_by(kind)} |\n"


def proof_text(proof: Proof) -> str:
    """How a proof works, in a few words."""
    if isinstance(proof, SharedSecret):
        return "a secret that it carries"
    by = "HMAC" if proof.mac == "hmac" else "hash of secret and text"
    return f"{by}, {HASHES[proof.hash]}, of `{proof.template}`"


def repeats(policy: Policy) -> str:
    """Which answers it repeats after, and which end the subscription."""
    if policy.retries == "none":
        return "nothing"
    some = {status for status in (*range(300, 600),) if policy.reaction(status) == "retried"}
    ends = f"; {statuses(policy.disables)} turns it off" if policy.disables else ""
    lost = {*range(300, 600)} - some - policy.disables
    return (
        f"all but {statuses(lost)}"
        if len(lost) < len(some) and lost
        else "all"
        if not lost
        else statuses(some)
    ) + ends


def statuses(found: set[int] | frozenset[int]) -> str:
    """Statuses in order, a whole hundred as one."""
    hundreds = [n for n in range(3, 6) if found >= {*range(n * 100, n * 100 + 100)}]
    rest = sorted(one for one in found if one // 100 not in hundreds)
    return ", ".join([*map(str, rest), *(f"{n}xx" for n in hundreds)])


TABLES = {ROOT / "README.md": reactions, ROOT / "docs" / "webhooks.md": about}


def rewritten(page: Path) -> str:
    """The page with its table as the kinds say it now."""
    made = TABLES[page]()
    return BETWEEN.sub(lambda _: made, page.read_text())


if __name__ == "__main__":
    for one in TABLES:
        one.write_text(rewritten(one))
