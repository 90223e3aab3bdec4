"""The command of the local stack: `python -m local run`; beside it those for keys, clients, backups, exports, funnels, fixtures and trials."""

import asyncio
import json
import signal
import time
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn
from urllib.parse import urlencode

import typer
from rich.text import Text

from local import (
    backup_commands,
    client_commands,
    export_commands,
    fixture_commands,
    funnel_commands,
    key_commands,
    settings,
    trial_commands,
)
from local.claim import Claimed, claim, end_leftovers
from local.console import console, fail, say
from local.demo.furnish import SECTION, Demo, NotFurnished, furnish, is_known
from local.demo.sample import SCENES, play
from local.demo.show import show_scene
from local.issuer import ERP, TOKEN_PATH
from local.keys import KeyStore
from local.lines import Lines
from local.process import StartError
from local.stack import PartEnded, Stack
from shared.errors import SignalboxError

CHECK_SECONDS = 0.5
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 128 + signal.SIGINT
TROUBLE = (Claimed, settings.PortTaken, PartEnded, NotFurnished, SignalboxError, OSError)

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Signalbox on this machine.")
app.add_typer(key_commands.app, name="key")
app.add_typer(client_commands.app, name="client")
app.command("backup")(backup_commands.back_up)
app.command("restore")(backup_commands.restore)
app.command("export")(export_commands.export)
app.command("funnel")(funnel_commands.funnel)
app.command("fixture")(fixture_commands.capture)
app.command("validate")(trial_commands.validate)
app.command("try")(trial_commands.try_mapping)


@app.command()
def run(
    *,
    once: Annotated[bool, typer.Option(envvar="ONCE", help="Stop after the sample.")] = False,
    embedded: Annotated[
        bool, typer.Option(envvar="EMBEDDED", help="Take the embedded queue, not the broker.")
    ] = False,
) -> None:
    """Start everything, send the sample, and serve until Ctrl-C."""
    for number in ENDING:
        signal.signal(number, _interrupt_once)
    try:
        with claim(settings.HOME):
            good = _run(once=once, embedded=embedded or None)
    except StartError as error:
        fail(
            f"{error}\n\nLogs are in {settings.HOME}. To start afresh, without its data: rm -r {settings.HOME}"
        )
    except TROUBLE as error:
        fail(str(error))
    except KeyboardInterrupt:
        console.print("Interrupted: everything that was started has been stopped.")
        raise typer.Exit(INTERRUPTED) from None
    if not good:
        raise typer.Exit(1)


def _run(*, once: bool, embedded: bool | None) -> bool:
    """Whether every scene of the sample ended as it should."""
    for name in end_leftovers(settings.HOME):
        say(f"ended {name}, left behind by a run that was killed")
    if old := settings.set_aside():
        say(f"starting afresh: what lay here is not of this version, and is in {old} now")
    kept = settings.load()
    with Stack(kept, lambda part: say(f"starting {part}"), embedded=embedded) as stack:
        try:
            good = _sample(stack, _furnished(stack, kept))
        except OSError:
            # A part that has ended says more than the request that it left without an answer.
            stack.check()
            raise
        if not once:
            _serve(stack)
    return good


def _furnished(stack: Stack, kept: settings.Kept) -> Demo:
    """The demo section, with the keys of the last run as long as storage knows them."""
    deployment = kept.deployment_key
    if deployment is None or not is_known(stack.base_url, deployment):
        made = asyncio.run(KeyStore(stack.environment).create("*", "local", [], "local"))
        deployment = str(made["key"])
    demo = furnish(stack.base_url, deployment, stack.receiver_url, kept.demo_key)
    settings.save(kept.with_keys(deployment, demo.key))
    settings.write_private(stack.home / "run.json", _facts(stack, demo.key))
    return demo


def _facts(stack: Stack, key: str) -> dict[str, Any]:
    return {
        "baseUrl": stack.base_url,
        "section": SECTION,
        "key": key,
        "receiver": stack.receiver_url,
        "curl": _curl(stack, key),
        "tokenCurl": _token_curl(stack),
        "environment": stack.environment,
    }


def _sample(stack: Stack, demo: Demo) -> bool:
    wrong = 0
    with console.status("Sending the sample"):
        for scene in play(demo, stack.receiver_url, stack.issuer_url, f"{datetime.now(UTC):%Y%m%d%H%M%S}"):
            show_scene(console, scene)
            stack.check()
            wrong += not scene.good
    _conclude(stack, demo.key, wrong)
    return not wrong


def _conclude(stack: Stack, key: str, wrong: int) -> None:
    verdict = (
        f"{wrong} of {len(SCENES)} did not end as they should." if wrong else "Everything ended as it should."
    )
    console.print(Text(f"\n{verdict}", "bold red" if wrong else "bold green"))
    console.print(f"\n  base URL  {stack.base_url}")
    console.print(f"  key       {key}", soft_wrap=True)
    console.print("\n  Post an event of your own:\n")
    console.print(_curl(stack, key), soft_wrap=True, markup=False)
    console.print(
        f"\n  Or with an access token and the header Signalbox-Section: {SECTION}. This gets one:\n"
    )
    console.print(_token_curl(stack), soft_wrap=True, markup=False)
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


def _token_curl(stack: Stack) -> str:
    return f"curl -s {stack.issuer_url}{TOKEN_PATH} -d '{urlencode(ERP.form)}'"


def _serve(stack: Stack) -> None:
    """Return at the first Ctrl-C. Raises PartEnded when a part of the stack does not run any more."""
    console.print(f"Serving until Ctrl-C. Logs and run.json are in {settings.HOME.name}/.")
    lines = Lines(stack.host_log)
    try:
        while True:
            stack.check()
            for line in lines.new():
                console.print(line, soft_wrap=True)
            time.sleep(CHECK_SECONDS)
    except KeyboardInterrupt:
        console.print("Stopping.")


def _interrupt_once(number: int, frame: object) -> NoReturn:  # noqa: ARG001  (what a signal handler is given)
    """End in good order; what comes while children are being stopped must not stop that."""
    for ending in ENDING:
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    app()
