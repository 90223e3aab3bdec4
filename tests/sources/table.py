"""The README's table of sources, made of what the kinds say. After a change: python -m tests.sources.table"""

import re
from pathlib import Path

from shared.sources import KINDS, Policy, SharedSecret
from shared.sources.genuine import Proof
from tests.sources.cases import kind_of

README = Path(__file__).parents[2] / "README.md"
BETWEEN = re.compile(r"(?<=<!-- sources -->\n).*?(?=<!-- /sources -->)", re.DOTALL)
HEAD = "| Kind | How it shows who it is | Suggested for | It repeats | It waits | In the end |\n|---|---|---|---|---|---|\n"
HASHES = {"sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512"}


def table() -> str:
    """A row for each kind."""
    return HEAD + "".join(row(kind) for kind in KINDS)


def row(kind: str) -> str:
    """What a kind says of its vendor."""
    plugin = kind_of(kind)
    proofs = "; else ".join(proof_text(one) for one in plugin.proofs)
    types = ", ".join(f"`{name}`" for name in plugin.mappings) or "nothing"
    policy = plugin.policy
    wait = "not said" if policy.seconds is None else f"{policy.seconds:g} s"
    return f"| `{kind}` | {proofs} | {types} | {repeats(policy)} | {wait} | {policy.gives_up} |\n"


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


if __name__ == "__main__":
    README.write_text(BETWEEN.sub(lambda _: table(), README.read_text()))
