"""The command of the local stack: `python -m local run`, and keys: `python -m local key create`."""

import asyncio
import json
import os
import signal
import threading
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from local import keys, settings
from local.demo.furnish import furnish
from local.demo.sample import play
from local.demo.show import show_scene
from local.process import StartError
from local.stack import Stack

app = typer.Typer(no_args_is_help=True, help="Signalbox on this machine.")
key_app = typer.Typer(no_args_is_help=True, help="Keys, straight in the storage that the environment names.")
app.add_typer(key_app, name="key")
console = Console(highlight=False)

Section = Annotated[str, typer.Option(help="The section, or * for a key of the whole deployment.")]


@app.command()
def run(
    *,
    once: Annotated[bool, typer.Option(envvar="ONCE", help="Stop after the sample.")] = False,
) -> None:
    """Start everything, send the sample, and serve until Ctrl-C."""
    try:
        kept = settings.load()
        with Stack(kept, _say) as stack:
            good = _demonstrate(stack, kept)
            if not once:
                _serve()
    except (StartError, settings.PortTaken, FileNotFoundError) as error:
        console.print(f"[red]{error}[/]")
        raise typer.Exit(1) from None
    if once and not good:
        raise typer.Exit(1)


@key_app.command("create")
def create_key(
    section: Section,
    name: Annotated[str, typer.Option(help="Who uses it.")],
    scope: Annotated[list[str] | None, typer.Option(help="Repeat for each; none means every scope.")] = None,
    source: Annotated[str, typer.Option(help="What its events carry as their source.")] = "api",
) -> None:
    """Make a key. Its text is shown this once."""
    _print(asyncio.run(keys.create(section, name, scope or [], source)))


@key_app.command("rotate")
def rotate_key(section: Section, id: str) -> None:
    """Give a key a second live secret."""
    _print(asyncio.run(keys.rotate(section, id)))


@key_app.command("revoke")
def revoke_key(
    section: Section, id: str, secret: Annotated[int | None, typer.Option(help="Only this secret.")] = None
) -> None:
    """Refuse a key, or one of its secrets, from now on."""
    _print(asyncio.run(keys.revoke(section, id, secret)))


@key_app.command("list")
def list_keys(section: Section) -> None:
    """The keys of a section, without their secrets."""
    _print(asyncio.run(keys.list_all(section)))


def _demonstrate(stack: Stack, kept: dict[str, Any]) -> bool:
    """Furnish the demo section and play the sample; whether every scene ended as it should."""
    if not kept["deploymentKey"]:
        os.environ.update(stack.environment)
        made = asyncio.run(keys.create("*", "local", [], "local"))
        settings.save(kept | {"deploymentKey": made["key"]})
        kept["deploymentKey"] = made["key"]
    demo = furnish(stack.base_url, kept["deploymentKey"], stack.receiver_url, kept.get("demoKey"))
    kept["demoKey"] = demo.key
    settings.save(kept)
    _write_run(stack, demo.key)
    good = True
    for scene in play(demo, stack.receiver_url, f"{datetime.now(UTC):%Y%m%d%H%M%S}"):
        show_scene(console, scene)
        good = good and scene.good
    _summary(stack, demo.key, good=good)
    return good


def _write_run(stack: Stack, key: str) -> None:
    settings.RUN.touch(mode=0o600)
    facts = {
        "baseUrl": stack.base_url,
        "section": "demo",
        "key": key,
        "receiver": stack.receiver_url,
        "curl": _curl(stack, key),
        "environment": stack.environment,
    }
    settings.RUN.write_text(json.dumps(facts, indent=2) + "\n")


def _summary(stack: Stack, key: str, *, good: bool) -> None:
    console.print(
        "\n[bold green]Everything ended as it should.[/]"
        if good
        else "\n[bold red]Not everything ended as it should.[/]"
    )
    console.print(f"\n  base URL  {stack.base_url}")
    console.print(f"  key       {key}", soft_wrap=True)
    console.print("\n  Post an event of your own:\n")
    console.print(_curl(stack, key), soft_wrap=True)
    console.print()


def _curl(stack: Stack, key: str) -> str:
    body = {
        "event": "transactions.order-placed",
        "person": {"email": "you@example.com"},
        "properties": {"orderId": "1", "totalValue": 9.90},
    }
    return (
        f"curl -s {stack.base_url}/v1/events -H 'Authorization: Bearer {key}' "
        f"-H 'Content-Type: application/json' -d '{json.dumps(body)}'"
    )


def _serve() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    console.print("Serving until Ctrl-C.")
    stop.wait()
    console.print("Stopping.")


def _say(what: str) -> None:
    console.print(f"[dim]starting[/] {what}")


def _print(doc: Any) -> None:
    console.print_json(json.dumps(doc, default=str))


if __name__ == "__main__":
    app()
