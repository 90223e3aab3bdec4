"""The steps of a deployment, as azd's hooks take them: before and after provisioning, before and after the app."""

import asyncio
import json
import secrets
import shutil

from azure.core.credentials import TokenCredential
from azure.identity import DefaultAzureCredential

from deploying.azure_cli import Refused, az, signed_in, take_tokens
from deploying.chunked import chunked_reaches
from deploying.first import Furnisher, Made, require_possible
from deploying.outputs import Outputs, Wishes, read_outputs, read_wishes
from deploying.patience import Patience, Say
from deploying.roles import (
    ADVICE,
    PROPAGATION_SECONDS,
    TABLE_WRITER,
    give_back,
    require_open,
    storage,
    table_writer,
)
from deploying.smoke import Waits, smoke
from deploying.trouble import NotYet, Trouble
from deploying.vault import MASTER_KEYS, SMOKE_KEY, Vault
from local.storage import NotSignedIn, opened
from shared.access.tokens import RANDOM_BYTES
from shared.azure.vault import MasterKeySeal
from shared.errors import Invalid, Unavailable
from shared.wiring import SystemClock

# https://learn.microsoft.com/azure/app-service/app-service-key-vault-references#rotation
REFRESH = (
    "/subscriptions/{{subscriptionId}}/resourceGroups/{group}/providers/Microsoft.Web/sites/{app}"
    "/config/configreferences/appsettings/refresh?api-version=2022-03-01"
)
FRONT = "docs/deploying.md#a-front-for-chunked-bodies"


def ready(say: Say) -> None:
    """Before provisioning: what would stop a later step is found while nothing has been made. Raises Trouble."""
    deployer = signed_in(_wishes().azure_subscription_id)
    take_tokens()
    if shutil.which("openssl") is None:
        raise Trouble("openssl is not on the path: the first master key is made with it. Install it.")
    say(f"Signed in with az as {deployer.kind} {deployer.id}.")


def first(say: Say) -> None:
    """After provisioning: the first section, its admin, and the smoke test's key; once. Raises Trouble."""
    outputs = read_outputs()
    deployer = signed_in(_wishes().azure_subscription_id)
    # The key is written last of all, so all the rest is there where it is.
    if Vault(outputs.azure_key_vault_name).has(SMOKE_KEY, _born(outputs)):
        say("The first section and admin were made before: nothing to do.")
        give_back(outputs, deployer, say)
    else:
        renew(say)


def renew(say: Say) -> None:
    """What of the first section and admin is missing, and a new key for the smoke test. Raises Trouble."""
    outputs, wishes = read_outputs(), _wishes()
    vault = Vault(outputs.azure_key_vault_name)
    with table_writer(outputs, signed_in(wishes.azure_subscription_id), say):
        patience = Patience.named(PROPAGATION_SECONDS)
        seal, admin = MasterKeySeal(vault.read(MASTER_KEYS)), secrets.token_bytes(RANDOM_BYTES)
        made = patience.wait(
            lambda: asyncio.run(_furnish(outputs, wishes, seal, admin)),
            f"the role {TABLE_WRITER}",
            ADVICE,
            say,
        )
        # Before the vault: what is shown once must be seen, whatever fails after it.
        _tell(made, wishes, outputs, say)
        vault.write(SMOKE_KEY, made.smoke_key, _born(outputs))


def refresh(say: Say) -> None:
    """Before deploying: the app's settings are read from the vault anew, where the master key was not at first.

    Otherwise the platform asks for them once a day, and a restart does not change that. Raises Trouble without outputs.
    """
    outputs = read_outputs()
    url = REFRESH.format(group=outputs.azure_resource_group, app=outputs.azure_function_name)
    try:
        az("rest", "--method", "post", "--url", url, "--output", "none")
    except Refused as refused:
        say(f"Whether the app's master keys are the vault's could not be asked: {refused}")
    else:
        say("The app's master keys are read from the vault anew.")


def wait(say: Say) -> None:
    """Before deploying: the roles on the package container count. Raises Trouble."""
    url = read_outputs().azure_package_container_url
    # A client, and so a token, of its own each time: a token that was refused would be shown again.
    Patience.named(PROPAGATION_SECONDS).wait(
        lambda: require_open(url, _credential()), "your role on the package container", ADVICE, say
    )
    say("The package container is open.")


def smoke_test(say: Say) -> None:
    """After deploying: an event comes through. Raises Trouble."""
    outputs = read_outputs()
    receipt = smoke(outputs.signalbox_url, _smoke_key(outputs), Waits.usual(), say)
    say(json.dumps(receipt, indent=2))


def probe_chunked(say: Say) -> None:
    """After deploying: says whether bodies in pieces reach the app. Raises Trouble when it cannot be told."""
    outputs = read_outputs()
    if chunked_reaches(outputs.signalbox_url, _smoke_key(outputs)):
        say("Bodies with Transfer-Encoding: chunked reach the app.")
    else:
        say(
            "Bodies with Transfer-Encoding: chunked do not reach the app: it answers 411. Where a sender cannot send a "
            f"Content-Length, put a front before the app that reads the body first: {FRONT}"
        )


STEPS = {
    "ready": ready,
    "first": first,
    "renew": renew,
    "refresh": refresh,
    "wait": wait,
    "smoke": smoke_test,
    "chunked": probe_chunked,
}
"""By the names that the hooks in azure.yaml say; `renew`, and `refresh` too, is for people."""


def _wishes() -> Wishes:
    """How the first section is to be. Raises Trouble where it cannot be so."""
    wishes = read_wishes()
    try:
        require_possible(wishes)
    except Invalid as invalid:
        faults = "; ".join(f"{fault.pointer}: {fault.detail} ({fault.expected})" for fault in invalid.faults)
        raise Trouble(f"The first section cannot be so: {faults}. Change it with `azd env set`.") from None
    return wishes


def _credential() -> TokenCredential:
    return DefaultAzureCredential()


def _born(outputs: Outputs) -> str:
    """When the storage was made: one of the same name that comes after it is another. Raises Trouble."""
    try:
        return storage(outputs, "creationTime")
    except Refused as refused:
        raise Trouble(
            f"The storage account is not to be found: {refused}\nRun `azd provision` first."
        ) from None


def _smoke_key(outputs: Outputs) -> str:
    return Vault(outputs.azure_key_vault_name).read(SMOKE_KEY)


async def _furnish(outputs: Outputs, wishes: Wishes, seal: MasterKeySeal, admin: bytes) -> Made:
    try:
        async with opened({"STORAGE_TABLE_ENDPOINT": outputs.azure_storage_table_endpoint}) as tables:
            return await Furnisher(tables, seal, SystemClock(), admin).furnish(wishes, outputs.signalbox_url)
    except Unavailable:
        raise NotYet("the tables do not let you write yet") from None
    except NotSignedIn as error:
        raise Trouble(str(error)) from None


def _tell(made: Made, wishes: Wishes, outputs: Outputs, say: Say) -> None:
    if made.section:
        say(f"The first section is {made.section}.")
    if made.admin_client:
        say(f"Client {made.admin_client} administers: its tokens need the app role `admin` as well.")
    if made.admin_key:
        say(
            "The first admin's deployment key, shown this once. Keep it where your secrets are:\n\n"
            f"  {made.admin_key}\n"
        )
    elif wishes.ci and not wishes.signalbox_admin_client:
        say(
            "No key was made for an admin: it would stay in this log. Run `azd env set SIGNALBOX_ADMIN_CLIENT <client id>` "
            "(docs/deploying.md#administer-with-entra), or make a key at a terminal: docs/keys.md#the-first-key."
        )
    credential = "a token of that client" if wishes.signalbox_admin_client else "the key"
    say(
        f"Next: `azd deploy`, which ends with a smoke test. Then, with {credential} as $ADMIN: "
        f'curl -s {outputs.signalbox_url}/v1/sections -H "Authorization: Bearer $ADMIN"'
    )
