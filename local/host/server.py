"""Puts the host together: the app, its HTTP front, its listeners, and an orderly end."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, TextIO

import azure_functions_runtime as runtime
import uvicorn

from local.host.http import HttpFront, http_routes
from local.host.listener import Listener
from local.host.records import Records
from local.host.settings import BadSettings, body_limit, read_host_json
from local.host.triggers import enabled, listeners
from local.host.worker import IndexedFunction, load

_HOST: Final = "127.0.0.1"
_BACKLOG: Final = 2048
# How long requests and messages that are under way may take to finish after SIGTERM.
_GRACE_SECONDS: Final = 30
# Kestrel's default. A short one makes clients meet connections that are just being closed.
_KEEP_ALIVE_SECONDS: Final = 130


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, which ends the process before anything else is closed."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()

    def stop_on_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(self, "should_exit", True))


async def serve(root: Path, port: int, *, timers: bool, announcements: TextIO) -> None:
    """Serve until SIGTERM or SIGINT. Raises IndexingFailed, BadSettings, and OSError for a taken port."""
    _log_to_stderr()
    runtime.start_threadpool_executor()
    host_json = read_host_json(root)
    functions = enabled(await load(str(root)), os.environ)
    server = _server(functions, host_json.extensions.http.route_prefix)
    listening = [*listeners(functions, os.environ, host_json.extensions.service_bus, timers=timers)]
    with socket.create_server((_HOST, port), backlog=_BACKLOG) as opened:
        server.stop_on_signals()
        for listener in listening:
            listener.start()
        _announce(opened, functions, announcements)
        await server.serve(sockets=[opened])
    await _close(listening)
    runtime.stop_threadpool_executor()


def _server(functions: Sequence[IndexedFunction], prefix: str) -> _Server:
    try:
        routes = http_routes(list(functions), prefix)
    except ValueError as error:
        raise BadSettings(str(error)) from error
    config = uvicorn.Config(
        HttpFront(routes, body_limit(os.environ)),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return _Server(config)


def _announce(opened: socket.socket, functions: Sequence[IndexedFunction], announcements: TextIO) -> None:
    line = {"port": opened.getsockname()[1], "functions": [function.name for function in functions]}
    print(json.dumps(line), file=announcements, flush=True)


async def _close(listening: Sequence[Listener]) -> None:
    await asyncio.gather(*(listener.close(_GRACE_SECONDS) for listener in listening))


def _log_to_stderr() -> None:
    """The app's own INFO lines are shown; the SDKs' are not."""
    handler = logging.StreamHandler()
    handler.setFormatter(Records())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for noisy in ("azure", "uvicorn", "uamqp"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
