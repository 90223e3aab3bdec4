"""The backup commands: `python -m local backup FILE` and `python -m local restore FILE`."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.status import Status

from local.console import console, fail, failing
from local.storage import Environment, here, lowered, opened
from shared.access.sections import Sections
from shared.azure.tables import AzureTables
from shared.azure.vault import MasterKeySeal
from shared.errors import Unavailable
from shared.operations import backup
from shared.operations.backup import Backup, Told
from shared.operations.backup_file import Counts
from shared.registry import Registry
from shared.settings import Settings
from shared.wiring import SystemClock

GO_ON = "What has been written stays. To go on, restore the same file again with --over."


def back_up(
    file: Annotated[Path, typer.Argument(help="Where to. Nothing may lie there yet.", metavar="FILE")],
) -> None:
    """Write configuration, people and consent into a file.

    Configuration is sections, keys, definitions, sources, routes, destinations.

    The storage is the running stack's, or the one that the environment names.

    Events are not in it. Secrets are, sealed: keep SIGNALBOX_MASTER_KEYS too.
    """
    with failing(), console.status("Reading") as status, drafted(file) as draft:
        counts = asyncio.run(_write(here(), draft, _telling(status, "Reading")))
    console.print(f"{_said(counts)} are in {file}.", soft_wrap=True)


def restore(
    file: Annotated[Path, typer.Argument(help="What `backup` wrote.", metavar="FILE")],
    *,
    over: Annotated[
        bool, typer.Option("--over", help="Write over what is there, also to go on with a restore.")
    ] = False,
) -> None:
    """Write a backup into storage, once the whole file has been checked.

    The storage is the running stack's, or the one that the environment names.

    It needs the SIGNALBOX_MASTER_KEYS of the backup, and the app to be stopped.
    """
    with failing(), file.open("rb") as bytes_, console.status("Checking") as status:
        checked = backup.check(bytes_, _telling(status, "Checking"))
        closed = asyncio.run(_restore(here(), checked, _telling(status, "Writing", checked.rows), over=over))
    console.print(f"{_said(checked.rows)} of {checked.at} are restored.")
    if closed:
        fail(
            f"SIGNALBOX_MASTER_KEYS does not open {', '.join(closed)}: give the app the master keys that it had then."
        )


async def _write(environment: Environment, file: BinaryIO, told: Told) -> Counts:
    async with opened(environment) as tables:
        return await backup.write(tables, file, datetime.now(UTC), told)


async def _restore(environment: Environment, checked: Backup, told: Told, *, over: bool) -> list[str]:
    """Restore; answers the sections whose secrets the environment's master keys do not open."""
    seal = _seal(environment)
    async with opened(environment) as tables:
        try:
            await backup.restore(tables, checked, told, over=over)
        except backup.Occupied as error:
            fail(f"{error} {GO_ON}")
        except Unavailable as error:
            fail(f"{error.detail} {GO_ON}")
        return await _closed(tables, seal)


def _seal(environment: Environment) -> MasterKeySeal:
    chosen = Settings.model_validate(lowered(environment))
    try:
        return MasterKeySeal(chosen.signalbox_master_keys.get_secret_value())
    except ValueError as error:
        fail(f"SIGNALBOX_MASTER_KEYS: {error}")


async def _closed(tables: AzureTables, seal: MasterKeySeal) -> list[str]:
    sections = Sections(Registry(tables), seal, SystemClock())
    closed = []
    for section in await sections.list():
        try:
            await sections.read(section["id"])
        except Unavailable:
            closed.append(str(section["id"]))
    return closed


@contextmanager
def drafted(path: Path) -> Iterator[BinaryIO]:
    """A file for this user only that gets its name once it is whole. Raises OSError, also when there is one."""
    if path.exists():
        raise FileExistsError(f"{path} exists already. Choose another name: a backup is never written over.")
    number, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".draft", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _telling(status: Status, doing: str, of: Counts | None = None) -> Told:
    def told(table: str, rows: int) -> None:
        total = f" of {of[table]:,}" if of else ""
        status.update(f"{doing} {table}: {rows:,}{total} rows")

    return told


def _said(counts: Counts) -> str:
    return ", ".join(f"{rows:,} rows of {table}" for table, rows in counts.items())
