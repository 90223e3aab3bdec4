"""What every test can ask for."""

from hypothesis import settings

pytest_plugins = ["tests.real_parts", "tests.running", "tests.features.marks"]

# How long an example takes says how busy the machine is, nothing of the law it is an example of.
settings.register_profile("signalbox", deadline=None)
settings.load_profile("signalbox")
