"""The judge of what destinations took finds nothing wrong with what is well, and each thing that can be wrong."""

from dataclasses import replace

import pytest

from tests.kill.lookup import Told, Way, amiss

DROPS = Way("drops", "/ok", "webhook", drops=True, leaves_open=True, ids={"one": "id-1", "two": "id-2"})
SURE = Way("sure", "/voucherify", "voucherify", drops=False, leaves_open=False, ids=DROPS.ids)
OPEN = replace(SURE, name="open", leaves_open=True)
WELL = Told(keys=["one", "two"], ids=["id-1_rt", "id-2_rt"], listed=frozenset())
HELD = Told(keys=["one"], ids=[], listed=frozenset({"id-1", "id-2"}))


@pytest.mark.parametrize(("way", "found"), [(DROPS, WELL), (SURE, replace(WELL, ids=[])), (OPEN, HELD)])
def test_nothing_is_wrong_with_what_is_well(way, found):
    assert amiss(way, found) == []


@pytest.mark.parametrize(
    ("way", "found", "wrong"),
    [
        (DROPS, replace(WELL, keys=["one", "two", "two"]), "two was taken 2 times"),
        (DROPS, replace(WELL, ids=["id-1_rt", "id-1_rt"]), "id-1_rt was taken 2 times"),
        (DROPS, replace(WELL, keys=["one"]), "two is missing"),
        (DROPS, replace(WELL, listed={"id-2"}), "two was given up"),
        (SURE, replace(WELL, keys=["one"]), "two was acknowledged, and is neither taken nor seen"),
        (SURE, HELD, "two is missing"),
        (OPEN, replace(HELD, listed={"id-2"}), "one may have arrived or not, and nobody is asked"),
        (OPEN, replace(HELD, keys=["one", "one"]), "one was taken 2 times"),
    ],
)
def test_what_is_wrong_is_found(way, found, wrong):
    assert any(wrong in one for one in amiss(way, found)), amiss(way, found)
