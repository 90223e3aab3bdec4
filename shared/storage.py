"""Every table and container, declared once: what its keys are, and how it is purged, exported, erased and backed up.

A test lists what a run of the whole line really created and fails on anything that is not declared here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Store:
    """One table or container. `keys`, `purge`, `export` and `erase` are for people: docs are made from them.

    All of a section goes with the section (`operations.clear`), whatever is said here.
    """

    name: str
    backed_up: bool
    """Whether `operations.backup` reads it: what nobody could make anew. What goes with an event is not."""
    keys: str
    purge: str
    export: str
    erase: str


REGISTRY = Store(
    "registry",
    backed_up=True,
    keys="{section}|{kind} / {id}, ~{inverted milliseconds}|{hash} what was changed by whom "
    "(|section / ~{section}|{inverted milliseconds}|{hash} of sections); "
    "pointers of keys and sources: |{kind} / {id}",
    purge="with the section; its audit after SIGNALBOX_AUDIT_DAYS, that of the section itself, in |section, too",
    export="with the section",
    erase="holds nothing personal",
)
EVENTS = Store(
    "events",
    backed_up=False,
    keys="{section}|{bucket} / e|{id} event, k|{keyed hash} idempotency key, u|{commit} outbox, unsent, "
    "w|{milliseconds}|{commit} outbox, watched, p|{commit} outbox, parked, x|{day}|{commit} what expires that day",
    purge="by the day's x| rows: events by their definition's retention, keys by the section's window",
    export="e| rows of a person, found through the timeline",
    erase="e| rows are deleted; k| rows hold keyed hashes only and stay until their window ends",
)
RECEIPTS = Store(
    "receipts",
    backed_up=False,
    keys="{section}|{two hex of the commit} / {id}| the steps, {id}|{route} one delivery",
    purge="with the event",
    export="with the event",
    erase="with the event",
)
PEOPLE = Store(
    "people",
    backed_up=True,
    keys="{section}|{first hex of the hash} / i|{keyed hash of an identifier} its person, and behind it "
    "c|{purpose} what it said, p|{rank}|{hash} the person's identifiers; p|{person} its maker; "
    "s|{hash}|{purpose}|{time} what was said then",
    purge="with the section: a person lives until erased, and the proof of a refusal is kept",
    export="the profile of the person's maker, and what was said by its addresses",
    erase="p| row, profile and the i| rows of its identifiers; what was said stays under keyed hashes, so that "
    "the address is not written to again",
)
TIMELINE = Store(
    "timeline",
    backed_up=False,
    keys="{section}|{first hex of the person} / {person}|{inverted time}|{id}",
    purge="with the event",
    export="the range {person}| of the person",
    erase="the range {person}| of the person",
)
QUARANTINE = Store(
    "quarantine",
    backed_up=False,
    keys="{section}|{cause} / {id}, and ~{keyed hash of an identifier}|{id} for what it mentions; "
    "{section}|bodies / {id}: the name of a large body",
    purge="after 30 days",
    export="the requests that mention the person, found by keyed hashes",
    erase="after 30 days at the latest",
)
REJECTED = Store(
    "rejected",
    backed_up=False,
    keys="{section}|{source} / {slot}: a ring of 100 a source",
    purge="overwritten by newer ones; after 7 days",
    export="holds no body and no identifier",
    erase="holds no body and no identifier",
)
DEAD_LETTERS = Store(
    "deadletters",
    backed_up=False,
    keys="{section}|{cause} / {id}|{route}",
    purge="with the event",
    export="holds references only",
    erase="with the event",
)
DUE = Store(
    "due",
    backed_up=False,
    keys="{shard} / {milliseconds}|{section}|{id}|{route}; parked|{section}|{destination} / {id}|{route}; "
    "notice / {milliseconds}|{section}|{event of ours}|{what it is about}",
    purge="deleted when it is handed to the bus, or told",
    export="holds references only",
    erase="holds references only",
)
FIRSTS = Store(
    "firsts",
    backed_up=False,
    keys="{section}|{bucket} / f|{keyed hash of an event's unique fields} its first event, "
    "x|{day}|{keyed hash} what is compared until that day",
    purge="by the x| rows of days that have passed, as their definition's `unique` says",
    export="holds references and keyed hashes only",
    erase="holds references and keyed hashes only, and goes when its window ends",
)
REPLAYS = Store(
    "replays",
    backed_up=False,
    keys="{section} / {id}: which dead letters are replayed, how fast, and how far that is",
    purge="30 days after its last change",
    export="holds references only",
    erase="holds references only",
)
ROLLUPS = Store(
    "rollups",
    backed_up=False,
    keys="{section} / {event}|{hour} what was counted of a definition, *|{hour} of all of them, ~{hour} when the hour was counted and will be again, "
    "!{hour}|{event} what the API refused of one, $alerts what is not as usual",
    purge="400 days after the hour",
    export="holds numbers, and the names of definitions, sources and destinations",
    erase="holds numbers, and the names of definitions, sources and destinations",
)
USAGE = Store(
    "usage",
    backed_up=False,
    keys="{section} / key|{id}, source|{id}, rejections|{id}, section: what all instances took this minute; "
    "used|{id}: when a key or client was last used, hour|{hour}|{key, source or section}: what was taken of its quota; delivered|{destination}, failing|{destination}: when something last arrived there, since when all fails; "
    'in partition "", tick: when the tick was last through',
    purge="hours of quotas after 90 days; the others never: one small row each, written anew",
    export="holds numbers and times only",
    erase="holds numbers and times only",
)
TABLES = (
    REGISTRY,
    EVENTS,
    RECEIPTS,
    PEOPLE,
    TIMELINE,
    QUARANTINE,
    REJECTED,
    DEAD_LETTERS,
    DUE,
    FIRSTS,
    REPLAYS,
    ROLLUPS,
    USAGE,
)

BODIES = Store(
    "bodies",
    backed_up=False,
    keys="{section}/{id}, {section}/quarantine-{id}: a body above the row limit (claim check)",
    purge="with the event",
    export="with the event",
    erase="with the event",
)
CONTAINERS = (BODIES,)
