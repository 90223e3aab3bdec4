"""The command: its one line, its exit codes, and its end."""

import os
import shutil
import socket
import subprocess
import sys
import threading

import pytest

from local.embedded_queue import EmbeddedQueue

from .conftest import APP, REPOSITORY, environment

DUPLICATE = """
import azure.functions as func
app = func.FunctionApp()

@app.function_name("one")
@app.route("one/{id}")
async def one(req: func.HttpRequest, id: str) -> func.HttpResponse: ...
"""
OUTPUT = """
import azure.functions as func
app = func.FunctionApp()

@app.function_name("one")
@app.route("one")
@app.blob_output(arg_name="out", path="a/b", connection="C")
async def one(req: func.HttpRequest, out: func.Out[str]) -> str: ...
"""


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "app"
    shutil.copytree(APP, folder)
    return folder


def run(folder, settings, *before):
    command = [sys.executable, "-m", "local.host", "--root", str(folder)]
    path = {"PYTHONPATH": os.pathsep.join(map(str, [*before, REPOSITORY]))}
    return subprocess.run(  # noqa: S603 - our own command
        command, env=path | settings, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (DUPLICATE, "declared in Python but not in the function definition"),
        ("import no_such_module_at_all", "no_such_module_at_all"),
        ("import azure.functions as func\napp = func.FunctionApp()\n", "no functions were found"),
        (OUTPUT, "does not run blob"),
    ],
)
def test_an_app_that_cannot_be_indexed_exits_with_2_and_the_reason(app, source, message):
    (app / "function_app.py").write_text(source)
    ended = run(app, environment("embedded::memory:"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"SINGLE_QUEUE": ""}, "set SINGLE_QUEUE"),
        ({"TICK": "hourly"}, "every_second: a schedule has six fields"),
        ({"ServiceBusConnection": ""}, "set ServiceBusConnection"),
        ({"ServiceBusConnection": "Endpoint=sb://x.servicebus.windows.net/;"}, "local broker"),
        ({"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "big"}, "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"),
    ],
)
def test_settings_that_cannot_be_used_exit_with_2_and_the_remedy(app, tmp_path, settings, message):
    ended = run(app, environment(f"embedded:{tmp_path / 'queue.db'}") | settings)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr


def test_without_proton_a_connection_string_is_refused_with_the_remedy(app, tmp_path):
    (tmp_path / "proton.py").write_text("raise ImportError")
    settings = environment("Endpoint=sb://127.0.0.1:1;UseDevelopmentEmulator=true")
    ended = run(app, settings, tmp_path)
    assert ended.returncode == 2
    assert "install python-qpid-proton, or use embedded:" in ended.stderr


def test_without_proton_the_embedded_queue_runs(start_host, tmp_path):
    (tmp_path / "proton.py").write_text("raise ImportError")
    host = start_host(PYTHONPATH=f"{tmp_path}{os.pathsep}{REPOSITORY}")
    assert host.request("GET", "/text").status == 200


def test_the_only_line_on_stdout_is_the_announcement(start_host):
    host = start_host()
    assert host.announced["functions"][:3] == ["echo", "exact", "b_literal"]
    host.process.terminate()
    assert host.process.stdout.read() == b""
    assert host.process.wait(20) == 0


def test_sigterm_lets_a_request_finish_and_exits_with_0(start_host):
    host = start_host()
    answers = []
    client = threading.Thread(target=lambda: answers.append(host.request("GET", "/waiting").content))
    client.start()
    host.wait_for(lambda: host.calls("waiting"))
    host.process.terminate()
    refuses_connections(host)
    host.release()
    assert host.process.wait(20) == 0
    client.join(20)
    assert answers == [b"released"]


async def test_sigterm_lets_a_message_finish_and_be_completed(start_host, tmp_path):
    host = start_host()
    queue = EmbeddedQueue(str(tmp_path / "queue.db"))
    await queue.send("single", [b"slow"])
    host.wait_for(lambda: host.calls("single"))
    host.process.terminate()
    refuses_connections(host)
    host.release()
    assert host.process.wait(20) == 0
    assert (await queue.counts("single")).active == 0
    await queue.close()


async def test_a_killed_host_loses_no_message(start_host, tmp_path):
    host = start_host()
    queue = EmbeddedQueue(str(tmp_path / "queue.db"))
    await queue.send("single", [b"slow"])
    host.wait_for(lambda: host.calls("single"))
    host.process.kill()
    host.process.wait(20)
    assert (await queue.counts("single")).active == 1
    await queue.close()


def refuses_connections(host) -> None:
    """Wait until the host takes no more connections: it is on its way out."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", host.port)).close()
        except ConnectionError:
            return
