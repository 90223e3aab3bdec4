"""The fixture command: `python -m local fixture ID` captures a webhook in quarantine as a file of the shared tests."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import simplejson
import typer

from local.client import TIMEOUT_SECONDS
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
    base: Annotated[str | None, typer.Option(envvar="BASE", help="The running stack's by default.")] = None,
    key: Annotated[
        str | None, typer.Option(envvar="KEY", help="With the scope operate; by default the demo's.")
    ] = None,
    into: Annotated[Path, typer.Option(help="The folder of all kinds.")] = FIXTURES,
) -> None:
    """Write a webhook that lies in quarantine as a fixture, with substitutes for its values. Read it before you commit it."""
    try:
        run = {} if base and key else json.loads((HOME / "run.json").read_bytes())
        named, doc = _asked(f"{base or run['baseUrl']}/v1/quarantine/{id}/fixture", key or run["key"])
        path = write(into, named, doc)
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


def _asked(url: str, key: str) -> tuple[str, dict[str, Any]]:
    """The name of a fixture, and the fixture with its numbers as they are written. Raises OSError, ValueError."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return str(answer.headers.get_filename()), exact.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        raise ValueError(json.loads(refusal.read()).get("detail", refusal.reason)) from None
