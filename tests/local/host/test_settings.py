"""host.json and the environment are read once, and what cannot be used is refused with a remedy."""

from datetime import timedelta

import pytest

from local.host.settings import BadSettings, body_limit, is_disabled, read_host_json, resolve


def test_host_json_has_the_defaults_of_the_real_host(tmp_path):
    (tmp_path / "host.json").write_text('{"version": "2.0", "logging": {}}')
    extensions = read_host_json(tmp_path).extensions
    assert extensions.http.route_prefix == "api"
    assert extensions.service_bus.max_concurrent_calls == 16
    assert extensions.service_bus.max_auto_lock_renewal_duration == timedelta(minutes=5)


def test_host_json_values_are_taken(tmp_path):
    (tmp_path / "host.json").write_text(
        '{"version": "2.0", "extensions": {"http": {"routePrefix": ""}, '
        '"serviceBus": {"maxConcurrentCalls": 3, "maxAutoLockRenewalDuration": "00:10:00"}}}'
    )
    extensions = read_host_json(tmp_path).extensions
    assert (extensions.http.route_prefix, extensions.service_bus.max_concurrent_calls) == ("", 3)
    assert extensions.service_bus.max_auto_lock_renewal_duration == timedelta(minutes=10)


@pytest.mark.parametrize("text", [None, "{", "{}", '{"version": "2.0", "extensions": {"http": 1}}'])
def test_an_unusable_host_json_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "host.json").write_text(text)
    with pytest.raises(BadSettings, match=r"host\.json"):
        read_host_json(tmp_path)


def test_expressions_are_resolved_from_the_environment():
    assert resolve("%A%-%B%", {"A": "x", "B": "y"}) == "x-y"
    assert resolve("plain", {}) == "plain"


def test_an_expression_that_is_not_set_is_refused_by_name():
    with pytest.raises(BadSettings, match="set QUEUE"):
        resolve("%QUEUE%", {})


def test_the_body_limit_comes_from_its_setting():
    assert body_limit({}) == 104_857_600
    assert body_limit({"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "10"}) == 10
    with pytest.raises(BadSettings):
        body_limit({"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1MB"})


@pytest.mark.parametrize(
    ("value", "disabled"), [("true", True), ("True", True), ("1", True), ("false", False)]
)
def test_a_function_is_disabled_by_its_setting(value, disabled):
    assert is_disabled("process", {"AzureWebJobs.process.Disabled": value}) is disabled
    assert not is_disabled("process", {})
