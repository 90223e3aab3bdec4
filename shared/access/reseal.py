"""Reseal: everything of a section that is sealed, sealed anew under the current master key; the secrets stay what they are.

So that an older master key can be withdrawn. It knows the place that each secret is sealed for, and no secret's meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.exact import Json
from shared.ports import Seal
from shared.registry import Kind, Record, Registry

_EVERYWHERE = ""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Where a kind of document keeps what is sealed: one text, or a list of them."""

    member: str
    context: str
    """With `{section}` and `{id}` as the document has them."""


SEALED: Mapping[Kind, Sealed] = {
    Kind.SECTION: Sealed("hashKey", "section/{id}"),
    Kind.SOURCE: Sealed("secrets", "source/{section}/{id}"),
    Kind.DESTINATION: Sealed("secrets", "destination/{section}/{id}"),
    Kind.SUBSCRIPTION: Sealed("secrets", "subscription/{section}/{id}"),
}
"""Every kind of document that keeps a sealed secret."""


class Reseal:
    """Seals anew."""

    def __init__(self, registry: Registry, seal: Seal) -> None:
        self._registry, self._seal = registry, seal

    async def section(self, id: str) -> dict[str, Json]:
        """Seal all of a section anew that another key than the current one has sealed; doing it again changes nothing.

        Raises Unavailable when a secret cannot be unsealed, and Conflict when somebody changed what holds it: what was
        done by then stays done, and the next call does the rest.
        """
        own = await self._registry.read(Kind.SECTION, _EVERYWHERE, id)
        records = [] if own is None else [own]
        for kind in [one for one in SEALED if one is not Kind.SECTION]:
            records += await self._registry.list(kind, id)
        resealed = sum([await self._document(record) for record in records])
        return {"id": id, "masterKey": self._seal.key, "resealed": resealed}

    async def _document(self, record: Record) -> int:
        """How many secrets of a document were sealed anew."""
        where = SEALED[record.kind]
        context = where.context.format(section=record.section, id=record.id)
        there: Json = record.doc[where.member]
        old = [one for one in _texts(there) if not self._seal.is_current(one)]
        if not old:
            return 0
        anew = {one: self._seal.seal(context, self._seal.unseal(context, one)) for one in old}
        changed: Json = (
            anew[there] if isinstance(there, str) else [anew.get(one, one) for one in _texts(there)]
        )
        await self._registry.replace(record.with_doc(**{where.member: changed}), "resealed")
        return len(old)


def _texts(member: Json) -> list[str]:
    return [member] if isinstance(member, str) else list(member)
