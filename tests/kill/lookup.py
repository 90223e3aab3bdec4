"""Each acknowledged event, looked up in the files of the destinations themselves; and what is wrong with that."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.took import taken
from tests.kill.scene import Scene


@dataclass(frozen=True, slots=True)
class Way:
    """One kind of event and its one destination: `name` is that of both, `file` the one in which that remembers.

    `drops` says whether it drops repeats, `leaves_open` whether what it did left anybody in doubt of the outcome.
    """

    name: str
    path: str
    file: str
    drops: bool
    leaves_open: bool
    ids: dict[str, str] = field(default_factory=dict)
    """The id that each event was acknowledged under, by the sender's key."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a destination took, as the senders' keys, and under which ids where it knows them; and what operators see."""

    keys: Sequence[str]
    ids: Sequence[str]
    listed: Collection[str]
    """The ids of events of which a delivery is listed as dead or held."""


def told(scene: Scene, way: Way) -> Told:
    """Of one destination, from its own file, and from the door that operators look at."""
    lines = [line for line in taken(scene.rig.took, way.file) if key_of(line) in way.ids]
    ids = [str(line["id"]) for line in lines if line["id"] is not None]
    return Told([key_of(line) for line in lines], ids, listed(scene))


def listed(scene: Scene) -> set[str]:
    """The events of all dead and held deliveries."""
    answer = scene.operator.get("/v1/dead-letters?limit=100")
    assert answer.status == 200, answer.doc
    return {one["event"] for one in answer.doc["deadLetters"]}


def key_of(line: Mapping[str, Any]) -> str:
    """The sender's key, which is the property `number` of each event of a scene's own kinds."""
    what = line["what"] or {}
    properties = what["data"]["properties"] if "data" in what else what
    return str(properties.get("number"))


def amiss(way: Way, found: Told) -> list[str]:
    """Every promise that does not hold, in a sentence."""
    return [f"{way.name}: {one}" for one in (*_of_any(way, found), *_of_ids(found), *_of_open(way, found))]


def _of_any(way: Way, found: Told) -> Iterator[str]:
    for key, count in Counter(found.keys).items():
        if count > 1:
            yield f"{key} was taken {count} times"
    for key, id in way.ids.items():
        if key not in found.keys and id not in found.listed:
            yield f"{key} was acknowledged, and is neither taken nor seen by an operator"


def _of_ids(found: Told) -> Iterator[str]:
    yield from (f"{id} was taken {count} times" for id, count in Counter(found.ids).items() if count > 1)


def _of_open(way: Way, found: Told) -> Iterator[str]:
    """Whoever drops repeats misses nothing, and neither does who left nobody in doubt."""
    for key, id in way.ids.items():
        if way.drops or not way.leaves_open:
            if key not in found.keys:
                yield f"{key} is missing"
            if id in found.listed:
                yield f"{key} was given up"
        elif id not in found.listed:
            yield f"{key} may have arrived or not, and nobody is asked"
