"""Tries events and mappings by the app's own code on a section's own definitions: nothing is stored, nothing is sent."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.replies import problem_doc
from local.storage import Environment, lowered, opened
from shared import exact
from shared.access.caller import Caller
from shared.access.sections import Section
from shared.azure.vault import MasterKeySeal
from shared.errors import SignalboxError, Unavailable
from shared.exact import Json
from shared.line import Line
from shared.operations.dry_run import dry_run
from shared.settings import Settings
from shared.sources import Received
from shared.stages import translate
from shared.stages.receive import json_of
from shared.wiring import SystemClock, assemble

NOBODY: Any = None
"""Stands where the line has ports that a trial never asks: bus, bodies, network and identity."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Trials in a section of the storage that an environment names. Raises NotFound without the section, Unavailable."""

    environment: Environment
    section: str

    async def events(self, files: Sequence[Path]) -> list[dict[str, Json]]:
        """What `POST /v1/events` would say to the event in each file. Raises OSError for one that cannot be read."""
        async with self._line() as line:
            section = await line.sections.read(self.section)
            return [{"file": str(file), **await _tried(line, section, file.read_bytes())} for file in files]

    async def mapping(self, source: str, type: str, payload: bytes) -> dict[str, Json]:
        """What a source makes of a payload of its vendor's type. Raises NotFound, MalformedBody."""
        async with self._line() as line:
            doc = {"type": type, "payload": exact.loads(payload)}
            return await dry_run(line, self.section, source, doc)

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[Line]:
        chosen = Settings.model_validate(lowered(self.environment))
        async with opened(self.environment) as tables:
            seal = MasterKeySeal(chosen.signalbox_master_keys.get_secret_value())
            yield assemble(
                tables=tables,
                blobs=NOBODY,
                queue=NOBODY,
                seal=seal,
                http=NOBODY,
                identity=NOBODY,
                clock=SystemClock(),
            )


async def _tried(line: Line, section: Section, body: bytes) -> dict[str, Json]:
    """What stands in the body of the door's answer, without what belongs to a request."""
    caller = Caller(section.id, frozenset(), "trial", "trial", "trial")
    request = Received("POST", "/v1/events", {"content-type": "application/json"}, body)
    try:
        draft = translate.envelope(json_of(request))
        fits = await line.checker.validator.validate(section, caller, draft, line.clock.now())
    except Unavailable:
        raise
    except SignalboxError as error:
        return {"fits": False, "problem": problem_doc(error)}
    return {"fits": True, "event": fits.event.event, "version": fits.event.version}
