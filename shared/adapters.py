"""The adapters that the settings choose: the only place that names one."""

import sys
from functools import lru_cache
from typing import TYPE_CHECKING

from shared.off import NO_METER, NO_SPANS
from shared.ports import Blobs, Http, Identity, Meter, Queue, Seal, Spans
from shared.settings import Settings, StorageSettings, settings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.azure.tables import AzureTables

EMBEDDED = "embedded:"


def tables_of(
    chosen: StorageSettings, credential: "AsyncTokenCredential | None" = None, meter: Meter = NO_METER
) -> "AzureTables":
    """Table Storage as the settings name it, for the app's own identity or whose credential is given.

    The caller closes it.
    """
    from shared.azure.tables import AzureTables  # noqa: PLC0415

    if chosen.storage_connection:
        return AzureTables(chosen.storage_connection.get_secret_value(), meter=meter)
    endpoint = chosen.storage_table_endpoint
    return AzureTables(endpoint=endpoint, credential=credential or _identity(), meter=meter)


def blobs_of(chosen: Settings) -> Blobs:
    """Blob Storage as the settings name it."""
    from shared.azure.blobs import AzureBlobs  # noqa: PLC0415

    if chosen.storage_connection:
        return AzureBlobs(chosen.storage_connection.get_secret_value())
    return AzureBlobs(endpoint=chosen.storage_blob_endpoint, credential=_identity())


def queue_of(chosen: Settings, meter: Meter) -> Queue:
    """The bus, or the embedded queue."""
    connection = chosen.service_bus_connection.get_secret_value() if chosen.service_bus_connection else ""
    if connection.startswith(EMBEDDED):
        from local.embedded_queue import EmbeddedQueue  # noqa: PLC0415

        return EmbeddedQueue(connection.removeprefix(EMBEDDED))
    from shared.azure.bus import ServiceBusQueue  # noqa: PLC0415

    if connection:
        return ServiceBusQueue(connection, meter=meter)
    namespace = chosen.service_bus_namespace
    return ServiceBusQueue(namespace=namespace, credential=_identity(), meter=meter)


def seal_of(chosen: Settings) -> Seal:
    """What keeps secrets, with the master keys."""
    from shared.azure.vault import MasterKeySeal  # noqa: PLC0415

    return MasterKeySeal(chosen.signalbox_master_keys.get_secret_value())


def http_of(chosen: Settings) -> Http:
    """What sends requests to destinations."""
    from shared.azure.http import GuardedHttp  # noqa: PLC0415

    return GuardedHttp(chosen.signalbox_allow_loopback)


def telemetry_of(chosen: Settings) -> tuple[Meter, Spans]:
    """What takes measures, and what keeps spans."""
    if chosen.signalbox_telemetry == "off":
        return NO_METER, NO_SPANS
    from shared.azure.telemetry import Telemetry, to_azure, to_terminal  # noqa: PLC0415

    ratio, connection = chosen.signalbox_traces_ratio, chosen.applicationinsights_connection_string
    if chosen.signalbox_telemetry == "azure" and connection:
        from azure.identity import ManagedIdentityCredential  # noqa: PLC0415

        credential = ManagedIdentityCredential(client_id=chosen.azure_client_id)
        to = to_azure(connection.get_secret_value(), credential, ratio)
    else:
        to = to_terminal(sys.stderr, ratio)
    telemetry = Telemetry(to)
    return telemetry.meter, telemetry.spans


def app_identity() -> Identity:
    """The managed identity that the deployment has, asked for when it is first needed."""
    from shared.azure.identity import AppIdentity  # noqa: PLC0415

    return AppIdentity(_identity)


@lru_cache
def _identity() -> "AsyncTokenCredential":
    from azure.identity.aio import ManagedIdentityCredential  # noqa: PLC0415

    return ManagedIdentityCredential(client_id=settings().azure_client_id)
