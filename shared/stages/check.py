"""Check: validate one draft, and when it no longer fits, see whether it repeats one that once did."""

from dataclasses import dataclass

from shared.access.caller import Caller
from shared.access.sections import Section
from shared.errors import Invalid, SignalboxError, UnknownEvent
from shared.event import Draft
from shared.killpoints import reached
from shared.ports import Clock
from shared.stages.record import Candidate, Recorded, Recorder
from shared.stages.validate import Validator, fingerprint, hash_of_key, key_hash
from shared.stores.refusals import Refusals

Checked = Candidate | Recorded | SignalboxError


@dataclass(frozen=True, slots=True)
class Checker:
    """Turns drafts into candidates for storage; a refused one stays its own refusal."""

    validator: Validator
    recorder: Recorder
    refusals: Refusals
    clock: Clock

    async def check(
        self, section: Section, caller: Caller, draft: Draft | SignalboxError, *, key_decides: bool = False
    ) -> Checked:
        """A candidate, or what was accepted before under the same key with the same content, or the refusal.

        `key_decides`: whatever comes under a known key is that event again.
        """
        if isinstance(draft, SignalboxError):
            return draft
        try:
            return await self.validator.validate(section, caller, draft, self.clock.now())
        except Invalid as refusal:
            told = await self._earlier(section, caller, draft, refusal, key_decides=key_decides)
            # What a webhook brings is kept, and counted where it lies.
            if told is refusal and not key_decides and not isinstance(refusal, UnknownEvent):
                self.refusals.note(section.id, draft.event, refusal.type)
            return told
        except SignalboxError as refusal:
            return refusal

    async def repeated(self, section: Section, caller: Caller, key: str) -> Recorded | None:
        """What was accepted before under a key, whatever it said."""
        hashed = hash_of_key(section, caller, key)
        return await self.recorder.find(section, hashed)

    async def _earlier(
        self, section: Section, caller: Caller, draft: Draft, refusal: Invalid, *, key_decides: bool
    ) -> Recorded | SignalboxError:
        """A definition may have moved on since the first delivery: the key is asked before the event is refused."""
        hashed = key_hash(section, caller, draft)
        if hashed is None or (draft.faults and not key_decides):
            return refusal
        reached("check.refused")
        try:
            found = await self.recorder.find(section, hashed)
        except SignalboxError as unavailable:
            return unavailable
        if found is None:
            return refusal
        same = key_decides or found.fingerprint == fingerprint(section, draft)
        return found if same else refusal
