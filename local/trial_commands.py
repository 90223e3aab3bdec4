"""The commands that try things: `python -m local validate FILE...` and `python -m local try FILE`."""

from pathlib import Path
from typing import Annotated

import typer

from local.console import answer
from local.storage import here
from local.trial import Trial

Section = Annotated[str, typer.Option(help="Whose definitions and sources.")]


def validate(
    files: Annotated[
        list[Path], typer.Argument(help="One event in each, as it would be posted.", metavar="FILE...")
    ],
    section: Section,
) -> None:
    """Check events as the API would, and store nothing.

    Ends with 1 if one does not fit. The storage is the running stack's, or the one that the environment names.
    """
    told = answer(lambda: Trial(here(), section).events(files))
    raise typer.Exit(not all(one["fits"] for one in told))


def try_mapping(
    file: Annotated[Path, typer.Argument(help="A payload, as the vendor sends it.", metavar="FILE")],
    section: Section,
    source: Annotated[str, typer.Option(help="The source's id.")],
    type: Annotated[str, typer.Option(help="The vendor's word for what happened, such as orders/create.")],
) -> None:
    """Show the event that a source makes of a payload, and store nothing.

    Ends with 1 if it does not fit. The storage is the running stack's, or the one that the environment names.
    """
    told = answer(lambda: Trial(here(), section).mapping(source, type, file.read_bytes()))
    raise typer.Exit(not told["fits"])
