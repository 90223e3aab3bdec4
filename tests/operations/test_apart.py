"""One item over which the work breaks stops none of the others, and is not passed over in silence."""

import pytest

from shared.errors import Unavailable
from shared.operations.apart import apart


async def test_what_breaks_is_raised_once_all_had_their_turn():
    seen = []

    async def work(number):
        seen.append(number)
        return 6 // number

    with pytest.raises(ZeroDivisionError):
        await apart([1, 0, 2, 3], work)

    assert seen == [1, 0, 2, 3]
    assert await apart([1, 2, 3], work) == [6, 3, 2]


async def test_what_is_away_is_away_for_the_others_too():
    seen = []

    async def work(number):
        seen.append(number)
        raise Unavailable("Tables are away.")

    with pytest.raises(Unavailable):
        await apart([1, 2], work)

    assert seen == [1]
