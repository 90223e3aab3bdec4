"""Check: validate one draft, and when it no longer fits, see whether it repeats one that once did."""

from dataclasses import dataclass

from shared.access.caller import Caller
from shared.access.sections import Section
from shared.errors import Invalid, SignalboxError
from shared.event import Draft
from shared.ports import Clock
from shared.stages.record import Candidate, Recorded, Recorder
from shared.stages.validate import Validator, fingerprint, key_hash

Checked = Candidate | Recorded | SignalboxError


@dataclass(frozen=True, slots=True)
class Checker:
    """Turns drafts into candidates for storage; a refused one stays its own refusal."""

    validator: Validator
    recorder: Recorder
    clock: Clock

    async def check(self, section: Section, caller: Caller, draft: Draft | SignalboxError) -> Checked:
        """A candidate, or what was accepted before under the same key with the same content, or the refusal."""
        if isinstance(draft, SignalboxError):
            return draft
        try:
            return await self.validator.validate(section, caller, draft, self.clock.now())
        except Invalid as refusal:
            return await self._earlier(section, caller, draft, refusal)
        except SignalboxError as refusal:
            return refusal

    async def _earlier(
        self, section: Section, caller: Caller, draft: Draft, refusal: Invalid
    ) -> Recorded | SignalboxError:
        """A definition may have moved on since the first delivery: the key is asked before the event is refused."""
        hashed = key_hash(section, caller, draft)
        if hashed is None or draft.faults:
            return refusal
        try:
            found = await self.recorder.find(section, hashed)
        except SignalboxError as unavailable:
            return unavailable
        same = found is not None and found.fingerprint == fingerprint(section, draft)
        return found if found is not None and same else refusal
