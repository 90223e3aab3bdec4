"""The export command: `python -m local export SECTION FILE` follows the pages of a section's export into a file."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from local import settings
from local.backup_commands import drafted
from local.claim import is_claimed
from local.client import Client
from local.console import console, fail, failing
from shared import exact

MOST_TRIES = 5
"""Of one page, while the app answers that it is busy or away."""
_WORTH_REPEATING = (429, 503)


def export(
    section: Annotated[str, typer.Argument(help="The section's id.", metavar="SECTION")],
    file: Annotated[Path, typer.Argument(help="Where to. Nothing may lie there yet.", metavar="FILE")],
    *,
    url: Annotated[str, typer.Option(envvar="SIGNALBOX_URL", help="The app's base URL.")] = "",
    key: Annotated[str, typer.Option(envvar="SIGNALBOX_KEY", help="A deployment key.", hidden=True)] = "",
) -> None:
    """Write everything of a section into a file of JSON Lines: configuration, audit, people, consent, events.

    It asks the running stack's API, or that of SIGNALBOX_URL with the deployment key in SIGNALBOX_KEY.

    Secrets are not in it. People's identifiers are, in clear: keep it as you keep the data itself.
    """
    with failing(), console.status("Asking") as status, drafted(file) as draft:
        written = 0
        for record in records(_exact(client_of(url, key)), section):
            draft.write(exact.dumps(record).encode() + b"\n")
            written += 1
            if written % 100 == 0:
                status.update(f"Writing {record['record']} records: {written:,} in all")
    console.print(f"{written:,} records are in {file}.", soft_wrap=True)


def records(client: Client, section: str) -> Iterator[dict[str, Any]]:
    """All records of a section, page after page. Ends the command when the app refuses."""
    path = f"/v1/sections/{quote(section, safe='')}/export"
    after: str | None = ""
    while after is not None:
        page = _page(client, path + (f"?after={after}" if after else ""))
        yield from page["records"]
        after = page["next"]


def _page(client: Client, path: str) -> Any:
    answer = client.get(path)
    for _ in range(MOST_TRIES - 1):
        if answer.status not in _WORTH_REPEATING:
            break
        time.sleep(int(answer.headers.get("retry-after", "1")))
        answer = client.get(path)
    return answer.doc if answer.status == 200 else fail(str(answer.doc["detail"]))


def _exact(client: Client) -> Client:
    """Numbers are read exactly, so that the file has the text that came in."""
    return replace(client, read=exact.read)


def client_of(url: str, key: str, section: str | None = None) -> Client:
    """Asks the app that is named, or else the running stack's. Ends the command where there is neither."""
    if url and key:
        return Client.keyed(url.rstrip("/"), key, section)
    kept = settings.known() if is_claimed(settings.HOME) and not url else None
    if kept is None or kept.deployment_key is None:
        fail(
            "Start a stack with `make run`, or set SIGNALBOX_URL and SIGNALBOX_KEY to an app and a key of it."
        )
    return client_of(f"http://127.0.0.1:{kept.port}", key or kept.deployment_key, section)
