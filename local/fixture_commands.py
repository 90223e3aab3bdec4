"""The fixture command: `python -m local fixture ID` captures a webhook in quarantine as a file of the shared tests."""

import json
from collections.abc import Mapping
from dataclasses import replace
from email.message import Message
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import simplejson
import typer

from local.client import Client
from local.console import console, fail
from local.settings import HOME, ROOT
from shared import exact
from shared.sources import KINDS

FIXTURES = ROOT / "tests" / "fixtures" / "sources"


def capture(
    id: Annotated[
        str, typer.Argument(help="The webhook's id, as `GET /v1/quarantine` lists it.", metavar="ID")
    ],
    *,
    url: Annotated[
        str, typer.Option(envvar="SIGNALBOX_URL", help="The app's base URL; the running stack's by default.")
    ] = "",
    key: Annotated[
        str,
        typer.Option(
            envvar="SIGNALBOX_KEY", help="With the scope operate; the demo's by default.", hidden=True
        ),
    ] = "",
    into: Annotated[Path, typer.Option(help="The folder of all kinds.")] = FIXTURES,
) -> None:
    """Write a webhook that lies in quarantine as a fixture, with substitutes for its values. Read it before you commit it."""
    try:
        run = {} if url and key else json.loads((HOME / "run.json").read_bytes())
        client = Client.keyed(url.rstrip("/") or run["baseUrl"], key or run["key"])
        path = write(into, *_asked(replace(client, read=exact.loads), id))
    except (OSError, KeyError, ValueError) as error:
        fail(f"There is no fixture: {error}")
    console.print(str(path), soft_wrap=True, markup=False)


def write(into: Path, named: str, doc: Mapping[str, Any]) -> Path:
    """Write a fixture beside the others of its kind, under a name that none has yet. Raises ValueError for a name of no kind."""
    kind, _, case = named.removesuffix(".json").partition(".")
    if kind not in KINDS or not case.replace("-", "").isalnum():
        raise ValueError(f"{named!r} is no name of a fixture")
    folder, number = into / kind, 1
    folder.mkdir(parents=True, exist_ok=True)
    while (path := folder / f"{case}{f'-{number}' if number > 1 else ''}.json").exists():
        number += 1
    path.write_text(simplejson.dumps(doc, use_decimal=True, indent=2, ensure_ascii=False) + "\n")
    return path


def _asked(client: Client, id: str) -> tuple[str, dict[str, Any]]:
    """The name of a fixture, and the fixture with its numbers as they are written. Raises OSError, ValueError."""
    answer = client.get(f"/v1/quarantine/{quote(id, safe='')}/fixture")
    if answer.status != 200:
        raise ValueError(answer.doc["detail"])
    header = Message()
    header["content-disposition"] = answer.headers["content-disposition"]
    return str(header.get_filename()), answer.doc
