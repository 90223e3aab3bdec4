"""Finds the storage that a command works on, and opens its tables as whoever is signed in here."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from local.claim import is_claimed
from local.settings import HOME
from shared.adapters import tables_of
from shared.azure.tables import AzureTables
from shared.settings import StorageSettings

Environment = Mapping[str, str]
"""Settings by their names, as the app's environment has them."""
NAMES = ("STORAGE_CONNECTION", "STORAGE_TABLE_ENDPOINT")
SCOPE = "https://storage.azure.com/.default"


class NoStorage(RuntimeError):
    """Neither the environment nor a running stack says where the data lies."""

    def __init__(self) -> None:
        super().__init__(
            "No stack is running here. Start one with `make run`, or name a deployment's storage: "
            f"set {' or '.join(NAMES)}."
        )


class NotSignedIn(RuntimeError):
    """Nobody is signed in who could open a deployment's storage."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "Sign in with `az login`, as somebody with the role Storage Table Data Contributor on the storage account "
            f"(for a backup Storage Table Data Reader is enough). What was tried:\n{reason}"
        )


def here(home: Path = HOME) -> Environment:
    """The storage that this process's environment names, or else the running stack's. Raises NoStorage."""
    if any(os.environ.get(name) for name in NAMES):
        return os.environ
    if not is_claimed(home):
        raise NoStorage
    environment: dict[str, str] = json.loads((home / "run.json").read_text())["environment"]
    return environment


def lowered(environment: Environment) -> dict[str, str]:
    """The settings under the names of the model's members."""
    return {name.lower(): value for name, value in environment.items()}


@asynccontextmanager
async def opened(environment: Environment) -> AsyncIterator[AzureTables]:
    """The tables, closed at the end. Raises NotSignedIn where a token is needed and there is none."""
    chosen = StorageSettings.model_validate(lowered(environment))
    async with AsyncExitStack() as stack:
        credential = None
        if not chosen.storage_connection:
            from azure.core.exceptions import ClientAuthenticationError
            from azure.identity.aio import DefaultAzureCredential

            # A deployer's machine has no managed identity: whoever is signed in there is who asks.
            credential = await stack.enter_async_context(DefaultAzureCredential())
            try:
                await credential.get_token(SCOPE)
            except ClientAuthenticationError as error:
                raise NotSignedIn(error.message) from None
        yield await stack.enter_async_context(tables_of(chosen, credential))
