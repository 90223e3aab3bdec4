"""A scene says what it saw, also when that was not what should have happened."""

from http import HTTPStatus

import pytest

from local.client import Response
from local.demo.scene import Note, Surprise, expect, expect_status, played

NOTE = Note("seen", "first", "before it went wrong")


def ends_well():
    yield NOTE
    expect(good=True, otherwise="nothing")


def surprises():
    yield NOTE
    expect([], "A letter should have been listed.")
    yield NOTE


def gets_no_answer():
    yield NOTE
    raise ConnectionResetError(104, "reset by peer")


def reads_what_is_not_there():
    yield NOTE
    problem: dict[str, str] = {}
    yield problem["quarantine"]


def test_a_scene_that_ends_as_it_should_is_good():
    scene = played("title", ends_well())
    assert (scene.title, scene.parts, scene.good) == ("title", (NOTE,), True)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (surprises, "A letter should have been listed."),
        (gets_no_answer, "No usable answer came: ConnectionResetError"),
        (reads_what_is_not_there, "No usable answer came: KeyError, 'quarantine'"),
    ],
)
def test_a_scene_that_goes_wrong_keeps_what_was_seen_and_says_why(act, said):
    scene = played("title", act())
    assert scene.parts == (NOTE,)
    assert not scene.good
    assert said in str(scene.surprise)


def test_a_fault_in_the_sample_itself_is_not_hidden():
    def broken():
        yield NOTE
        raise TypeError("ours")

    with pytest.raises(TypeError):
        played("title", broken())


def test_another_status_is_a_surprise_that_names_the_right_one():
    expect_status(Response(202, {}, None), HTTPStatus.ACCEPTED)
    with pytest.raises(Surprise, match=r"should have been 202\."):
        expect_status(Response(503, {}, None), HTTPStatus.ACCEPTED)
