"""Role assignments: waits until they count, and gives whoever deploys one for as long as a step needs it.

A new assignment can take ten minutes to count:
https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---role-assignment-changes-are-not-being-detected
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.blob import ContainerClient

from deploying.azure_cli import Deployer, Refused, az
from deploying.outputs import Outputs
from deploying.patience import Say
from deploying.trouble import NotYet, Trouble

PROPAGATION_SECONDS = 600
TABLE_WRITER = "Storage Table Data Contributor"
ADVICE = (
    "A role that was granted a moment ago can take ten minutes to count: repeat the command. If it goes on, see "
    "whether you have the role: `az role assignment list --assignee <your object id> --all --output table`."
)
_CLOSED = (401, 403)


def require_open(container_url: str, credential: TokenCredential) -> None:
    """Return when whoever deploys may read the package container. Raises NotYet, Trouble."""
    client = ContainerClient.from_container_url(
        container_url, credential, retry_total=0, connection_timeout=10
    )
    with client:
        try:
            next(iter(client.list_blobs(results_per_page=1)), None)
        except HttpResponseError as error:
            if error.status_code in _CLOSED:
                raise NotYet(f"the package container answers {error.status_code}") from None
            if error.status_code is None:
                raise Trouble(f"Sign in with `az login`. What was tried: {error.message}") from None
            raise Trouble(
                f"The package container answers {error.status_code}. Run `azd provision` first."
            ) from None
        except AzureError as error:
            # The name of a new account may take a moment to be known everywhere.
            raise NotYet(f"the package container cannot be reached ({type(error).__name__})") from None


def storage(outputs: Outputs, what: str) -> str:
    """A property of the data storage account, as Azure's management knows it. Raises Refused, Trouble."""
    host = urlsplit(outputs.azure_storage_table_endpoint).hostname or ""
    place = ("--name", host.partition(".")[0], "--resource-group", outputs.azure_resource_group)
    return az("storage", "account", "show", *place, "--query", what, "--output", "tsv")


@contextmanager
def table_writer(outputs: Outputs, deployer: Deployer, say: Say) -> Iterator[None]:
    """Whoever deploys may write the data account's tables for as long as this lasts, if not before and after.

    The account holds people's data, so nobody keeps a role there whom the app does not need. Raises Trouble.
    """
    try:
        account = storage(outputs, "id")
        mine = assignment_of(account, deployer)
        held = _held(account, deployer)
    except Refused as refused:
        raise _not_yours_to_give(refused) from None
    # A run that was killed has left its own behind.
    borrowed = not held or mine.lower() in held
    try:
        if not held:
            try:
                _grant(account, deployer)
            except Refused as refused:
                borrowed = False
                raise _not_yours_to_give(refused) from None
            say(f"You have the role {TABLE_WRITER} for this step.")
        yield
    finally:
        if borrowed:
            _withdraw(mine, say)


def give_back(outputs: Outputs, deployer: Deployer, say: Say) -> None:
    """What a run that was killed at its very end has left is withdrawn; who may not look has nothing to give back."""
    with suppress(Refused):
        account = storage(outputs, "id")
        mine = assignment_of(account, deployer)
        if mine.lower() in _held(account, deployer):
            _withdraw(mine, say)


def assignment_of(account: str, deployer: Deployer) -> str:
    """The assignment that this makes. Its name follows from who gets it where, so that a later run knows it again."""
    name = uuid5(NAMESPACE_URL, f"{account}/{TABLE_WRITER}/{deployer.id}".lower())
    return f"{account}/providers/Microsoft.Authorization/roleAssignments/{name}"


def _held(account: str, deployer: Deployer) -> set[str]:
    """The assignments by which it was granted before, here or further up."""
    words = ("--assignee", deployer.id, "--role", TABLE_WRITER, "--scope", account, "--include-inherited")
    return {*az("role", "assignment", "list", *words, "--query", "[].id", "--output", "tsv").lower().split()}


def _grant(account: str, deployer: Deployer) -> None:
    who = ("--assignee-object-id", deployer.id, "--assignee-principal-type", deployer.kind)
    role = ("--role", TABLE_WRITER, "--scope", account)
    name = assignment_of(account, deployer).rpartition("/")[2]
    az("role", "assignment", "create", *who, *role, "--name", name, "--output", "none")


def _not_yours_to_give(refused: Refused) -> Trouble:
    return Trouble(
        f"You may not give yourself the role {TABLE_WRITER}: {refused}\n"
        "Provisioning needs Owner, or Contributor with Role Based Access Control Administrator."
    )


def _withdraw(assignment: str, say: Say) -> None:
    try:
        az("role", "assignment", "delete", "--ids", assignment)
        say(f"The role {TABLE_WRITER} is withdrawn again.")
    except (Refused, Trouble) as error:
        say(
            f"The role {TABLE_WRITER} could not be withdrawn ({error}). Do it: az role assignment delete --ids {assignment}"
        )
