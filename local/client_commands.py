"""The client commands: `python -m local client create`, `revoke` and `list`."""

from typing import Annotated

import typer

from local.clients import ClientStore
from local.console import answer
from local.storage import here

app = typer.Typer(
    no_args_is_help=True,
    help="Service principals of Entra, straight in storage: the running stack's, or the one that the environment names.",
)

Section = Annotated[str, typer.Option(help="The section, or '*' for clients of the whole deployment.")]
ClientId = Annotated[str, typer.Argument(help="Its application (client) id in Entra.", metavar="ID")]


@app.command("create")
def create_client(
    id: ClientId,
    section: Section,
    name: Annotated[str, typer.Option(help="Who uses it.")],
    *,
    scope: Annotated[list[str] | None, typer.Option(help="Repeat for each; none means every scope.")] = None,
    source: Annotated[str, typer.Option(help="What its events carry as their source.")] = "api",
) -> None:
    """Register a client. What it may do needs a role in its token as well."""
    answer(lambda: ClientStore(here()).create(section, id, name, scope or [], source))


@app.command("revoke")
def revoke_client(section: Section, id: ClientId) -> None:
    """Refuse a client from now on."""
    answer(lambda: ClientStore(here()).revoke(section, id))


@app.command("list")
def list_clients(section: Section) -> None:
    """The clients of a section."""
    answer(lambda: ClientStore(here()).list(section))
