"""The key commands: `python -m local key create`, `rotate`, `revoke` and `list`."""

from typing import Annotated

import typer

from local.console import answer
from local.keys import KeyStore
from local.storage import here

app = typer.Typer(
    no_args_is_help=True,
    help="Keys, straight in storage: the running stack's, or the one that the environment names.",
)

Section = Annotated[str, typer.Option(help="The section, or '*' for keys of the whole deployment.")]
KeyId = Annotated[str, typer.Argument(help="The key's id, as `list` shows it.", metavar="ID")]


@app.command("create")
def create_key(  # noqa: PLR0913  (one argument an option)
    section: Section,
    name: Annotated[str, typer.Option(help="Who uses it.")],
    *,
    scope: Annotated[
        list[str] | None, typer.Option(help="Repeat for each; no scope and no role means every scope.")
    ] = None,
    role: Annotated[list[str] | None, typer.Option(help="Repeat for each.")] = None,
    source: Annotated[str, typer.Option(help="What its events carry as their source.")] = "api",
    event: Annotated[list[str] | None, typer.Option(help="Repeat for each; none means every event.")] = None,
    expires_at: Annotated[str | None, typer.Option(help="When, such as 2027-01-31T00:00:00Z.")] = None,
) -> None:
    """Make a key. Its text is shown this once."""
    limits = {"roles": role or None, "events": event or None, "expiresAt": expires_at}
    answer(lambda: KeyStore(here()).create(section, name, scope or [], source, limits))


@app.command("rotate")
def rotate_key(section: Section, id: KeyId) -> None:
    """Give a key a second live secret. Its text is shown this once."""
    answer(lambda: KeyStore(here()).rotate(section, id))


@app.command("revoke")
def revoke_key(
    section: Section,
    id: KeyId,
    secret: Annotated[int | None, typer.Option(help="Only the secret of this number.")] = None,
) -> None:
    """Refuse a key, or one of its secrets, from now on."""
    answer(lambda: KeyStore(here()).revoke(section, id, secret))


@app.command("list")
def list_keys(section: Section) -> None:
    """The keys of a section, without their secrets."""
    answer(lambda: KeyStore(here()).list(section))
