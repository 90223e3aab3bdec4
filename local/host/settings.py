"""What the host takes from host.json and from the environment."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

# The host's own default, in bytes: ScriptConstants.DefaultMaxRequestBodySize in Azure/azure-functions-host.
DEFAULT_BODY_LIMIT: Final = 104_857_600
# The extension's own default of maxAutoLockRenewalDuration.
RENEWAL_SECONDS: Final = 300.0
_BODY_LIMIT_SETTING: Final = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
_EXPRESSION: Final = re.compile(r"%([^%]+)%")


class BadSettings(Exception):
    """host.json or the environment cannot be used; the text says what to change."""


class _Section(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class Http(_Section):
    route_prefix: str = "api"


class ServiceBus(_Section):
    """https://learn.microsoft.com/azure/azure-functions/functions-bindings-service-bus#hostjson-settings."""

    max_concurrent_calls: int = Field(default=16, ge=1)
    max_message_batch_size: int = Field(default=1000, ge=1)
    max_auto_lock_renewal_duration: timedelta = timedelta(seconds=RENEWAL_SECONDS)


class Extensions(_Section):
    http: Http = Http()
    service_bus: ServiceBus = ServiceBus()


class HostJson(_Section):
    """The part of host.json that this host honours; everything else is ignored."""

    version: str
    extensions: Extensions = Extensions()


def read_host_json(root: Path) -> HostJson:
    """Raises BadSettings when `root` has no usable host.json."""
    try:
        return HostJson.model_validate_json((root / "host.json").read_bytes())
    except (OSError, ValidationError) as error:
        raise BadSettings(f"host.json: {error}") from error


def body_limit(environ: Mapping[str, str]) -> int:
    """The largest request body in bytes; more is answered with 413."""
    text = environ.get(_BODY_LIMIT_SETTING, str(DEFAULT_BODY_LIMIT))
    if not text.isascii() or not text.isdigit():
        raise BadSettings(f"{_BODY_LIMIT_SETTING} must be a number of bytes")
    return int(text)


def resolve(text: str, environ: Mapping[str, str]) -> str:
    """Put settings in the place of `%NAME%` expressions. Raises BadSettings for one that is not set."""

    def value(match: re.Match[str]) -> str:
        found = environ.get(match[1])
        if not found:
            raise BadSettings(f"%{match[1]}% does not resolve to a value: set {match[1]} in the environment")
        return found

    return _EXPRESSION.sub(value, text)


def is_disabled(function: str, environ: Mapping[str, str]) -> bool:
    """https://learn.microsoft.com/azure/azure-functions/disable-function."""
    return environ.get(f"AzureWebJobs.{function}.Disabled", "").lower() in ("true", "1")
