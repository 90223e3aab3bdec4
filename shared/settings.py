"""The environment as one model, read once. docs/settings.md lists what each member is for."""

from functools import lru_cache
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.access.audit import KEPT
from shared.access.claims import GUID
from shared.access.issuer import AUTHORITY, Issuer


class StorageSettings(BaseSettings):
    """Where the data lies: all that a command needs which only reads or writes rows."""

    model_config = SettingsConfigDict(extra="ignore", case_sensitive=False, frozen=True)

    storage_connection: SecretStr | None = None
    """Connection string of the data storage account; local only."""
    storage_table_endpoint: str | None = None
    """Of the same account; in Azure only."""
    storage_blob_endpoint: str | None = None
    """Of the same account; in Azure only."""


class Settings(StorageSettings):
    """Application settings. In Azure endpoints and managed identity; locally connection strings."""

    service_bus_connection: SecretStr | None = Field(None, validation_alias="ServiceBusConnection")
    """Connection string, or `embedded:<file>` for the embedded queue; local only."""
    service_bus_namespace: str | None = Field(
        None, validation_alias="ServiceBusConnection__fullyQualifiedNamespace"
    )
    """Host name of the namespace; in Azure only."""
    azure_client_id: str | None = None
    """The user-assigned managed identity to use; in Azure only."""
    events_queue: str = "events"
    deliveries_queue: str = "deliveries"
    slow_queue: str = "deliveries-slow"
    """Deliveries whose destination would keep others waiting."""
    signalbox_master_keys: SecretStr
    """`id:base64` of 32 bytes, comma separated, newest first: seals the secrets at rest."""
    signalbox_forbid_unverified: bool = False
    """Refuses webhook sources that check nobody."""
    signalbox_audit_days: int = Field(KEPT.days, ge=30, le=3_650)
    """How long the audit keeps who changed what."""
    signalbox_telemetry: Literal["off", "terminal", "azure"] = "off"
    """Where measures and traces go, and in Azure lines too."""
    signalbox_traces_ratio: float = Field(1.0, ge=0, le=1)
    """Which share of the traces is kept."""
    signalbox_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """What lines are said at least: INFO tells of each request and message, WARNING of what did not go well."""
    applicationinsights_connection_string: SecretStr | None = Field(None, validate_default=True)
    """The Application Insights component; in Azure only."""
    signalbox_allow_loopback: bool = False
    """Lets destinations be on this machine; local only, never in a deployment."""
    signalbox_entra_audiences: str = ""
    """What this API is called in Entra, comma separated. Without it no tokens are taken."""
    signalbox_entra_tenant: str = Field("", validate_default=True)
    """The id of the tenant whose tokens are taken."""
    signalbox_entra_authority: str = AUTHORITY
    """Where the tenant is asked for its keys."""

    @field_validator("applicationinsights_connection_string")
    @classmethod
    def _component(cls, text: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if info.data.get("signalbox_telemetry") == "azure" and not text:
            raise ValueError("must be set where SIGNALBOX_TELEMETRY is azure")
        return text

    @field_validator("signalbox_entra_authority")
    @classmethod
    def _authority(cls, text: str) -> str:
        text = text.rstrip("/") or AUTHORITY
        url = urlsplit(text)
        safe = url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.hostname or ""))
        if not safe or not url.hostname or text != f"{url.scheme}://{url.netloc}" or "@" in url.netloc:
            raise ValueError("must be https://<host>; http is for this machine's own addresses only")
        return text

    @field_validator("signalbox_entra_tenant")
    @classmethod
    def _tenant(cls, text: str, info: ValidationInfo) -> str:
        if info.data.get("signalbox_entra_audiences") and not GUID.fullmatch(text.lower()):
            raise ValueError("must be the id of the tenant, a GUID")
        return text.lower()

    @property
    def issuer(self) -> Issuer | None:
        """Whose tokens are taken; None for nobody's."""
        names = frozenset(name for one in self.signalbox_entra_audiences.split(",") if (name := one.strip()))
        return Issuer(self.signalbox_entra_tenant, names, self.signalbox_entra_authority) if names else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache
def settings() -> Settings:
    """The settings of this process. Raises pydantic's ValidationError naming what is missing."""
    return Settings()
