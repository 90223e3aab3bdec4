"""Loading destinations: only known kinds, and each satisfies the frame."""

from importlib import import_module
from pathlib import Path

import pytest

from shared import destinations
from shared.destinations import KINDS, Destination, load, webhook
from shared.errors import Invalid

TYPED: Destination[webhook.Settings] = webhook  # mypy checks here that the module satisfies the protocol
MODULES = [
    path.stem for path in Path(str(destinations.__file__)).parent.glob("*.py") if path.stem != "__init__"
]


@pytest.mark.parametrize("kind", ["", "os", "outcomes", "webhook.build", "..webhook", "Webhook", "fax"])
def test_a_name_that_is_no_kind_is_refused(kind):
    with pytest.raises(Invalid, match="webhook"):
        load(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_satisfies_the_frame(kind):
    plugin = load(kind)

    assert kind == plugin.KIND
    assert set(plugin.generate_secrets(bytes(range(32)))) <= set(plugin.SECRETS)
    assert plugin.Settings.model_json_schema()["properties"]["timeoutSeconds"]["maximum"] == 30
    plugin.check_secrets(plugin.generate_secrets(bytes(range(32))))


def test_every_plug_in_on_disk_is_a_kind():
    plugins = {name for name in MODULES if hasattr(import_module(f"shared.destinations.{name}"), "KIND")}

    assert plugins == set(KINDS)
