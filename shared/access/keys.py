"""Keys: made, rotated and revoked here, and here a request's key becomes its caller."""

from collections.abc import Collection
from datetime import datetime

from shared import times
from shared.access import tokens
from shared.access.caller import A_CALLER, DEPLOYMENT, Caller
from shared.access.key_body import KeyBody, faults_between
from shared.access.opened import Opened
from shared.access.rights import DEPLOYMENT_ONLY, Scope
from shared.access.roles import granted
from shared.bodies import read_body
from shared.errors import Conflict, Fault, Invalid, NotFound, Unauthenticated
from shared.exact import Json
from shared.ports import Clock
from shared.registry import Kind, Record, Registry

MAX_LIVE_SECRETS = 2
MAX_SECRETS = 8
"""How many secrets a document remembers; beyond that the oldest revoked ones go."""

_ANSWERED = (
    "name",
    "scopes",
    "roles",
    "source",
    "events",
    "origins",
    "perMinute",
    "expiresAt",
    "createdAt",
    "revokedAt",
)


class Keys:
    """The keys of all sections, and of the deployment."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self._callers = Opened(_caller)

    async def create(
        self, section: str, body: Json, random: bytes, *, by: Caller | None = None
    ) -> dict[str, Json]:
        """A new key from 42 random bytes; its text is in this answer and never again.

        `by` is who asks; None is the local command, which may grant anything. Raises Invalid, and Forbidden when the
        key would reach further than `by` does.
        """
        wanted = read_body(
            KeyBody, body, also=faults_between, now=self._clock.now(), deployment=section == DEPLOYMENT
        )
        scopes, roles = wanted.scopes or [], wanted.roles or []
        if by:
            by.require_reach(_reached(section, scopes, roles), wanted.events)
        token = tokens.mint(random, _prefix(wanted.origins))
        now = self._now()
        doc = {
            **wanted.model_dump(by_alias=True, mode="json", exclude={"replaces", "per_minute"}),
            "scopes": [str(scope) for scope in scopes],
            "roles": [str(role) for role in roles],
            "perMinute": wanted.quota,
            "sourceId": await scope_of_replaced(self._registry, section, wanted.replaces) or token.id,
            "createdAt": now,
            "revokedAt": None,
            "secrets": [_secret(1, token, now)],
        }
        record = Record(Kind.KEY, section, token.id, doc)
        await self._registry.create_findable(record)
        return {**_answer(record), "key": token.text}

    async def list(self, section: str) -> list[dict[str, Json]]:
        """The section's keys, revoked ones too, by id."""
        return [_answer(record) for record in await self._registry.list(Kind.KEY, section)]

    async def rotate(
        self, section: str, id: str, random: bytes, *, by: Caller | None = None
    ) -> dict[str, Json]:
        """A second live secret from 32 random bytes; the new text is in this answer and never again.

        Raises NotFound, Conflict when two live already or the key itself is over, and Forbidden as `create` does.
        """
        record = await self._read(section, id)
        if by:
            by.require_reach(scopes_of(record), record.doc["events"])
        self._require_rotatable(record)
        secrets: list[Json] = record.doc["secrets"]
        token = tokens.remint(id, random, _prefix(record.doc.get("origins")))
        number = max(int(secret["number"]) for secret in secrets) + 1
        record = record.with_doc(secrets=_newest([*secrets, _secret(number, token, self._now())]))
        await self._registry.replace(record)
        return {**_answer(record), "key": token.text}

    async def revoke(self, section: str, id: str, number: int | None = None) -> dict[str, Json]:
        """Refuse one secret from now on, or the whole key; other instances follow within CACHE_SECONDS.

        The row stays, so that the key stays refused. Revoking again changes nothing. Raises NotFound.
        """
        record = await self._read(section, id)
        if number is None:
            changed = record.with_doc(revokedAt=record.doc["revokedAt"] or self._now())
        else:
            changed = record.with_doc(secrets=_revoked(record.doc["secrets"], number, self._now()))
        await self._registry.replace(changed)
        return _answer(changed)

    async def authenticate(self, text: str) -> Caller:
        """The caller that a key's text names. Raises Unauthenticated, and Unavailable when storage is away."""
        token = _token(text)
        section = await self._registry.section_of(Kind.KEY, token.id)
        record = None if section is None else await self._registry.find(Kind.KEY, section, token.id)
        secret = None if record is None else _matching(record, token.secret)
        # Only who holds a secret learns what became of it: an id alone is answered like one that was never made.
        if record is None or secret is None:
            raise unknown_key()
        if record.doc["revokedAt"] or secret["revokedAt"]:
            raise Unauthenticated("This key has been revoked. Use the one that replaced it.")
        if self._is_expired(record):
            raise Unauthenticated("This key has expired. Create a new one.")
        return self._callers.get(record)

    async def _read(self, section: str, id: str) -> Record:
        record = await self._registry.read(Kind.KEY, section, id)
        if record is None:
            raise NotFound("There is no such key here. List the keys to find its id.")
        return record

    def _require_rotatable(self, record: Record) -> None:
        if record.doc["revokedAt"] or self._is_expired(record):
            raise Conflict("The key is revoked or has expired. Create a new one.")
        live = [secret for secret in record.doc["secrets"] if not secret["revokedAt"]]
        if len(live) >= MAX_LIVE_SECRETS:
            numbers = " and ".join(str(secret["number"]) for secret in live)
            raise Conflict(f"The key has two live secrets, {numbers}. Revoke one first.")

    def _is_expired(self, record: Record) -> bool:
        expires: str | None = record.doc["expiresAt"]
        return expires is not None and times.parse(expires) <= self._at()

    def _at(self) -> datetime:
        return self._clock.now()

    def _now(self) -> str:
        return times.text(self._at())


def unknown_key() -> Unauthenticated:
    """The same for a key that was never made and for one that went with its section."""
    return Unauthenticated("This key is not known. Copy it again, or create a new one.")


def _token(text: str) -> tokens.Token:
    if not text:
        raise Unauthenticated("Send a key: `Authorization: Bearer sbx_...`.")
    token = tokens.parse(text)
    if token is None:
        raise Unauthenticated("This is not a whole key: its checksum does not fit. Copy it again, all of it.")
    return token


def _secret(number: int, token: tokens.Token, now: str) -> dict[str, Json]:
    return {"number": number, "hash": tokens.hash_secret(token.secret), "createdAt": now, "revokedAt": None}


def _newest(secrets: list[Json]) -> list[Json]:
    over = len(secrets) - MAX_SECRETS
    gone = [secret for secret in secrets if secret["revokedAt"]][: max(over, 0)]
    return [secret for secret in secrets if secret not in gone]


def _revoked(secrets: list[Json], number: int, now: str) -> list[Json]:
    if number not in [secret["number"] for secret in secrets]:
        raise NotFound("The key has no such secret. List the keys to see their numbers.")
    return [
        {**secret, "revokedAt": secret["revokedAt"] or now} if secret["number"] == number else secret
        for secret in secrets
    ]


def _matching(record: Record, secret: str) -> Json | None:
    """The stored secret that was sent; all are compared, so that the time does not tell which one."""
    found = [stored for stored in record.doc["secrets"] if tokens.matches(secret, stored["hash"])]
    return found[0] if found else None


def _prefix(origins: object) -> str:
    return tokens.PUBLISHABLE_PREFIX if origins else tokens.PREFIX


async def scope_of_replaced(registry: Registry, section: str, replaces: str | None) -> str | None:
    """What the idempotency keys of the key to be replaced are scoped by; None for none. Raises Invalid."""
    if replaces is None:
        return None
    replaced = await registry.read(Kind.KEY, section, replaces)
    if replaced is None:
        detail = "There is no such key here. List the keys to find its id, or leave this out."
        raise Invalid(
            "The key to replace is not here.", faults=[Fault("/replaces", detail, "the id of a key")]
        )
    return str(replaced.doc["sourceId"])


def scopes_of(record: Record) -> frozenset[Scope]:
    """All that it may do: what a newer version granted by another name gives nothing here."""
    return _reached(record.section, record.doc["scopes"], record.doc.get("roles") or ())


def _reached(section: str, scopes: Collection[str], roles: Collection[str]) -> frozenset[Scope]:
    """The scopes that are named, and what the roles grant; those of a section grant nothing beyond it."""
    by_roles = granted(roles) if section == DEPLOYMENT else granted(roles) - DEPLOYMENT_ONLY
    return by_roles.union(scope for scope in Scope if scope in scopes)


def _caller(record: Record) -> Caller:
    events, origins = record.doc["events"], record.doc.get("origins")
    return Caller(
        section=None if record.section == DEPLOYMENT else record.section,
        scopes=scopes_of(record),
        source_id=record.doc["sourceId"],
        source=record.doc["source"],
        key_id=record.id,
        home=record.section,
        events=None if events is None else frozenset(events),
        trust="browser" if origins else "server",
        per_minute=_per_minute(record),
        origins=frozenset(origins) if origins else None,
    )


def _per_minute(record: Record) -> int:
    """Keys that were made before there were quotas name none."""
    return int(record.doc.get("perMinute") or A_CALLER)


def _answer(record: Record) -> dict[str, Json]:
    secrets = [
        {name: secret[name] for name in ("number", "createdAt", "revokedAt")}
        for secret in record.doc["secrets"]
    ]
    doc = {"origins": None, "roles": [], **record.doc, "perMinute": _per_minute(record)}
    return {"id": record.id, **{name: doc[name] for name in _ANSWERED}, "secrets": secrets}
