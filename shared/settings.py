"""The environment as one model, read once. docs/settings.md lists what each member is for."""

from functools import lru_cache

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class StorageSettings(BaseSettings):
    """Where the data lies: all that a command needs which only reads or writes rows."""

    model_config = SettingsConfigDict(extra="ignore", case_sensitive=False, frozen=True)

    storage_connection: SecretStr | None = None
    """Connection string of the data storage account; local only."""
    storage_table_endpoint: str | None = None
    storage_blob_endpoint: str | None = None


class Settings(StorageSettings):
    """Application settings. In Azure endpoints and managed identity; locally connection strings."""

    service_bus_connection: SecretStr | None = Field(None, validation_alias="ServiceBusConnection")
    """Connection string, or `embedded:<file>` for the embedded queue; local only."""
    service_bus_namespace: str | None = Field(
        None, validation_alias="ServiceBusConnection__fullyQualifiedNamespace"
    )
    azure_client_id: str | None = None
    """The user-assigned managed identity to use."""
    events_queue: str = "events"
    deliveries_queue: str = "deliveries"
    signalbox_master_keys: SecretStr
    """`id:base64` of 32 bytes, comma separated, newest first: seals the secrets at rest."""
    signalbox_forbid_unverified: bool = False
    """Refuses webhook sources that check nobody."""
    signalbox_allow_loopback: bool = False
    """Lets destinations be on this machine; never in a deployment."""


@lru_cache
def settings() -> Settings:
    """The settings of this process. Raises pydantic's ValidationError naming what is missing."""
    return Settings()
