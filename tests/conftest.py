"""What every test can ask for."""

pytest_plugins = ["tests.real_parts", "tests.running"]
