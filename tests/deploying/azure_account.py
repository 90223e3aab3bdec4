"""A stand-in for `az` and what it reaches: a vault, role assignments, and whoever is signed in.

It keeps what it is told in one JSON file. `refusals` answers that many token requests with a token that storage does not
let in, as it does while a role does not count yet. Every call is written down, its input apart.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.secure import token

ACCOUNT_ID = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/127"
SUBSCRIPTION = "5b1d2c90-0000-4000-8000-0000000000a1"
ASSIGNMENT = ACCOUNT_ID + "/providers/Microsoft.Authorization/roleAssignments/9"
PROGRAM = r"""#!{python}
import json, pathlib, sys
file = pathlib.Path(__file__).with_name("state.json")
state, words = json.loads(file.read_text()), sys.argv[1:]
state["calls"].append(words)
option = dict(zip(words, words[1:])).get
def answer(text="", code=0):
    file.write_text(json.dumps(state))
    if text:
        print(text, file=sys.stderr if code else sys.stdout)
    sys.exit(code)
match words[:3]:
    case ["account", "show", *_] if state["signed_in"]:
        answer(json.dumps({{"id": "{subscription}", "user": {{"type": state["user"]}}}}))
    case ["account", *_] if not state["signed_in"]:
        answer("ERROR: Please run 'az login' to setup account.", 1)
    case ["account", "get-access-token", *_]:
        good, bad = state["tokens"]
        if option("--output") == "none":
            answer()
        if "--query" in words:
            answer(good)
        refused = state["refusals"] > 0
        state["refusals"] -= refused
        answer(json.dumps({{"accessToken": bad if refused else good, "expires_on": state["expires_on"]}}))
    case ["keyvault", "secret", verb] if state["vault_open"] and (verb != "set" or state["vault_takes"]):
        if verb == "list":
            asked = option("--query")
            named = [name for name in state["secrets"] if f"name=='{{name}}'" in asked]
            of = [name for name in named if f"tags.of=='{{state['tags'].get(name)}}'" in asked]
            answer("\n".join(of if "tags.of" in asked else named))
        if verb == "show":
            answer(state["secrets"][option("--name")])
        state["secrets"][option("--name")] = sys.stdin.read()
        state["tags"][option("--name")] = (option("--tags") or "").removeprefix("of=")
        answer()
    case ["keyvault", "secret", _]:
        answer("ERROR: (Forbidden) Caller is not authorized", 1)
    case ["rest", *_] if state["may_grant"]:
        answer()
    case ["storage", "account", "show"]:
        answer(state["born"] if option("--query") == "creationTime" else "{account}")
    case ["role", "assignment", "list"]:
        answer("\n".join(state["roles"]))
    case ["role", "assignment", "create"] if state["may_grant"]:
        state["roles"].append(option("--scope") + "/providers/Microsoft.Authorization/roleAssignments/" + option("--name"))
        answer()
    case ["role", "assignment", "delete"]:
        state["roles"] = [role for role in state["roles"] if role != option("--ids")]
        answer()
answer(f"ERROR: not allowed: {{' '.join(words)}}", 1)
"""


@dataclass(frozen=True, slots=True)
class AzureAccount:
    """A folder with the program `az` and its state."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> "AzureAccount":
        folder.mkdir()
        program = folder / "az"
        named = {"account": ACCOUNT_ID, "subscription": SUBSCRIPTION}
        program.write_text(PROGRAM.format(python=sys.executable, **named))
        program.chmod(0o755)
        account = cls(folder)
        good = token()
        account._write(
            {
                "calls": [], "secrets": {}, "tags": {}, "born": "2026-11-26T14:00:00+00:00", "roles": [], "refusals": 0,
                "signed_in": True, "user": "user", "vault_open": True, "vault_takes": True, "may_grant": True,
                "tokens": [good.token, token("https://elsewhere.example.com").token], "expires_on": good.expires_on,
            }
        )  # fmt: skip
        return account

    @property
    def secrets(self) -> dict[str, str]:
        found: dict[str, str] = self._read()["secrets"]
        return found

    @property
    def roles(self) -> list[str]:
        found: list[str] = self._read()["roles"]
        return found

    @property
    def calls(self) -> list[list[str]]:
        found: list[list[str]] = self._read()["calls"]
        return found

    def change(self, **members: Any) -> None:
        """Let the account be different from now on."""
        self._write({**self._read(), **members})

    def _read(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return state

    def _write(self, state: dict[str, Any]) -> None:
        (self.folder / "state.json").write_text(json.dumps(state))
