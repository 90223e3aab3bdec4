"""The token issuer as a process: its metadata, its keys, and tokens for client credentials.

`POST /control {"rotate": true}` signs with a new key from then on, `{"away": true}` answers 503 until `false`, and
`{"client": {"id", "secret", "roles"}}` registers an app, whose tokens say its `claims`, if it has some, instead of what
they should; each answers how often the keys were fetched.
"""

import argparse
import asyncio
import hmac
import json
import signal
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from local.issuer import AUDIENCE, ERP, SCOPE, TENANT, App
from local.issuer.mint import LIFETIME_SECONDS, Mint

MAX_CLIENTS = 1_000
MAX_BODY_BYTES = 64 * 1024


class IssuerServer:
    """Answers as https://login.microsoftonline.com does, for one tenant. It knows the demo's app."""

    def __init__(self, mint: Mint) -> None:
        self._mint = mint
        self._apps = {ERP.id: ERP}
        self._away = False
        self._fetches = 0

    def application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        tenant = f"/{self._mint.tenant}"
        app.router.add_get(f"{tenant}/v2.0/.well-known/openid-configuration", self.metadata)
        app.router.add_get(f"{tenant}/discovery/v2.0/keys", self.keys)
        app.router.add_post(f"{tenant}/oauth2/v2.0/token", self.token)
        app.router.add_post("/control", self.control)
        return app

    async def metadata(self, _: web.Request) -> web.Response:
        self._require_here()
        return web.json_response(self._mint.metadata())

    async def keys(self, _: web.Request) -> web.Response:
        self._require_here()
        self._fetches += 1
        return web.json_response(self._mint.published())

    async def token(self, request: web.Request) -> web.Response:
        """A token for client credentials (RFC 6749 section 4.4); refusals as in its section 5.2."""
        self._require_here()
        asked = {name: str(value) for name, value in (await request.post()).items()}
        app = self._apps.get(asked.get("client_id", "").lower())
        given = asked.get("client_secret", "").encode()
        if asked.get("grant_type") != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        if app is None or not hmac.compare_digest(app.secret.encode(), given):
            return web.json_response({"error": "invalid_client"}, status=401)
        if asked.get("scope") != SCOPE:
            return web.json_response({"error": "invalid_scope"}, status=400)
        token = self._mint.sign({**self._mint.claims(app.id, app.roles, datetime.now(UTC)), **app.claims})
        return web.json_response(
            {"token_type": "Bearer", "expires_in": LIFETIME_SECONDS, "access_token": token}
        )

    async def control(self, request: web.Request) -> web.Response:
        asked: dict[str, Any] = await request.json()
        if asked.get("rotate"):
            self._mint.rotate()
        self._away = bool(asked.get("away", self._away))
        if wanted := asked.get("client"):
            if len(self._apps) >= MAX_CLIENTS:
                raise web.HTTPInsufficientStorage
            named = (wanted["id"], wanted["secret"], tuple(wanted["roles"]))
            self._apps[wanted["id"]] = App(*named, wanted.get("claims", {}))
        return web.json_response({"fetches": self._fetches})

    def _require_here(self) -> None:
        if self._away:
            raise web.HTTPServiceUnavailable


async def serve(port: int) -> None:
    """Serve on 127.0.0.1:`port` (0: any) until SIGTERM or SIGINT; print the port as one JSON line when ready."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    mint = Mint("", TENANT, AUDIENCE)
    runner = web.AppRunner(IssuerServer(mint).application(), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    bound = runner.addresses[0][1]
    mint.authority = f"http://127.0.0.1:{bound}"
    print(json.dumps({"port": bound}), flush=True)
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    """The command line of `python -m local.issuer`."""
    parser = argparse.ArgumentParser(prog="python -m local.issuer", description="Play Microsoft Entra")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
