"""Asks the Azure CLI, as whoever is signed in there; no secret is in an argument, where other users would see it."""

import base64
import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

from deploying.trouble import Trouble

STORAGE = "https://storage.azure.com"
VAULT = "https://vault.azure.net"
CALL_SECONDS = 120


class Refused(RuntimeError):
    """The CLI ended with an error; the text is the last thing that it said."""


@dataclass(frozen=True, slots=True)
class Deployer:
    """Who is signed in."""

    id: str
    """Its object id in Entra."""
    kind: str
    """As a role assignment calls it: User or ServicePrincipal."""


def az(*words: str, text: str | None = None) -> str:
    """What `az words...` prints, given `text` as its input. Raises Refused, Trouble without a CLI or an answer."""
    program = shutil.which("az")
    if program is None:
        raise Trouble("The Azure CLI (`az`) is not on the path. Install it: https://aka.ms/azure-cli")
    try:
        done = subprocess.run(  # noqa: S603  (no shell, and no word that came from outside unchecked)
            [program, *words], input=text, capture_output=True, text=True, check=False, timeout=CALL_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Trouble(f"`az {words[0]} {words[1]}` did not answer in {CALL_SECONDS} s.") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise Refused(lines[-1] if lines else f"az ended with {done.returncode}")
    return done.stdout.strip()


def signed_in(subscription: str = "") -> Deployer:
    """Who is signed in, as the token says with which the storage will be asked; what kind, the CLI knows itself.

    Raises Trouble when nobody is, and when az works in another subscription than this one, which azd works in.
    """
    try:
        account = json.loads(az("account", "show", "--output", "json"))
        if subscription and account["id"].lower() != subscription.lower():
            raise Trouble(
                f"az works in another subscription than azd. Run: az account set --subscription {subscription}"
            )
        words = ("--resource", STORAGE, "--query", "accessToken", "--output", "tsv")
        claims = _claims(az("account", "get-access-token", *words))
        return Deployer(claims["oid"], "User" if account["user"]["type"] == "user" else "ServicePrincipal")
    except Refused as refused:
        raise Trouble(f"Sign in with `az login`. What was tried: {refused}") from None
    except (LookupError, ValueError):
        raise Trouble(
            "The token of `az account get-access-token` names nobody. Sign in anew: `az login`."
        ) from None


def take_tokens() -> None:
    """Let the CLI take the tokens of later steps while it can. Raises Trouble.

    A pipeline is signed in with a token that lasts for some ten minutes, after which the CLI gets no other; those that it
    has taken last for an hour: https://github.com/Azure/azure-cli/issues/28708. Of whom a role is granted it asks Graph.
    """
    try:
        for whose in (("--resource", VAULT), ("--resource-type", "ms-graph")):
            az("account", "get-access-token", *whose, "--output", "none")
    except Refused as refused:
        raise Trouble(f"Sign in with `az login`. What was tried: {refused}") from None


def _claims(token: str) -> dict[str, Any]:
    """What a token says of its bearer. Nobody relies on it: Azure checks the token itself."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims
