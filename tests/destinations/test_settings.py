"""What every destination's settings accept and refuse."""

import pytest
from pydantic import ValidationError

from shared import exact
from shared.destinations.settings import DestinationSettings, Url
from shared.errors import Fault
from shared.faults import faults_of


class Settings(DestinationSettings):
    url: Url


def read(**members: exact.Json) -> Settings:
    return Settings.model_validate(exact.loads(exact.dumps({"url": "https://example.com/", **members})))


def faults(**members: exact.Json) -> list[Fault]:
    with pytest.raises(ValidationError) as caught:
        read(**members)
    return faults_of(caught.value, "/settings")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/hook?a=b%20c&d",
        "http://127.0.0.1:9000/",
        "https://münchen.example/",
        "https://[2606:4700::1111]/",
    ],
)
def test_an_absolute_url_is_kept_as_it_is(url):
    assert read(url=url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hook",
        "//example.com/hook",
        "/hook",
        "ftp://example.com/",
        "https://",
        "https:///hook",
        "https://example.com:0/",
        "https://example.com:70000/",
        "https://example.com:port/",
        "https://[::1/",
        "https://example.com/a b",
        "https://exam\tple.com/",
        "https://example.com/\r\nx-evil: 1",
        " https://example.com/",
        "https:\\\\example.com/",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://example.com/#part",
        "https://example.com/#",
        "https://example.com/" + "a" * 2048,
        None,
        5,
        ["https://example.com/"],
    ],
)
def test_any_other_url_is_refused_without_repeating_it(url):
    (fault,) = faults(url=url)

    assert fault.pointer == "/settings/url"
    assert fault.detail != ""
    assert "example.com/" not in fault.detail
    assert "secret@" not in repr(fault)


@pytest.mark.parametrize("seconds", [1, 15, 30])
def test_a_timeout_is_whole_seconds_from_1_to_30(seconds):
    assert read(timeoutSeconds=seconds).timeout_seconds == seconds


@pytest.mark.parametrize("seconds", [0, 31, -1, exact.Number("1.5"), exact.Number("1e1"), "15", True, None])
def test_any_other_timeout_is_refused(seconds):
    assert [fault.pointer for fault in faults(timeoutSeconds=seconds)] == ["/settings/timeoutSeconds"]


def test_a_timeout_that_is_left_out_is_15_seconds():
    assert read().timeout_seconds == 15


def test_unknown_and_snake_case_members_are_refused():
    assert {fault.pointer for fault in faults(retries=3, timeout_seconds=3)} == {
        "/settings/retries",
        "/settings/timeout_seconds",
    }
