"""The deployment's vault: where the master keys lie, and the key that only smoke tests use."""

from dataclasses import dataclass

from deploying.azure_cli import Refused, az
from deploying.trouble import Trouble

MASTER_KEYS = "signalbox-master-keys"
SMOKE_KEY = "signalbox-smoke-key"


@dataclass(frozen=True, slots=True)
class Vault:
    """One Key Vault. Every method raises Trouble when it lets nobody in."""

    name: str

    def has(self, secret: str, of: str) -> bool:
        """Whether there is such a secret, and written for this: a vault may outlive what its secrets open."""
        query = f"[?name=='{secret}' && tags.of=='{of}'].name"
        return bool(self._asked("list", "--query", query, "--output", "tsv"))

    def read(self, secret: str) -> str:
        """The secret's newest value."""
        return self._asked("show", "--name", secret, "--query", "value", "--output", "tsv")

    def write(self, secret: str, value: str, of: str) -> None:
        """Give the secret a new value, for what `has` will be asked about."""
        read = ("--file", "/dev/stdin", "--encoding", "ascii")
        self._asked("set", "--name", secret, *read, "--tags", f"of={of}", "--output", "none", text=value)

    def _asked(self, verb: str, *words: str, text: str | None = None) -> str:
        try:
            return az("keyvault", "secret", verb, "--vault-name", self.name, *words, text=text)
        except Refused as refused:
            raise Trouble(
                f"The vault {self.name} refused `{verb}`: {refused}\n"
                "You need the role Key Vault Secrets Officer there, which `azd provision` gives to whoever runs it."
            ) from None
