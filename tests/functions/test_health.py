"""The door that says that somebody is in."""

from tests.running import Running


def test_anybody_may_ask_whether_the_instance_is_alive(running: Running):
    answer = running.anonymous.get("/health/live")

    assert (answer.status, answer.doc) == (200, {"status": "alive"})


def test_it_tells_a_stranger_nothing_else(running: Running):
    answer = running.anonymous.get("/health/live?verbose=1")

    assert answer.doc == {"status": "alive"}
    assert not {"server", "x-powered-by"} & set(answer.headers)
