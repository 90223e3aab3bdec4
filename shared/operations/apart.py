"""Apart: the same for each of many sections or hours, so that one over which it breaks stops none of the others."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from shared.errors import Unavailable

Item = TypeVar("Item")
Found = TypeVar("Found")


async def apart(items: Iterable[Item], work: Callable[[Item], Awaitable[Found]]) -> list[Found]:
    """What the work gives for each item, one after the other.

    Whatever it raises is raised again once the others have had their turn, the first of several; Unavailable at once,
    because the others would meet it too.
    """
    found: list[Found] = []
    broken: list[Exception] = []
    for item in items:
        try:
            found.append(await work(item))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001  (whatever broke, the others go on)
            broken.append(error)
    if broken:
        raise broken[0]
    return found
