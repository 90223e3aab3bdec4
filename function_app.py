"""Signalbox as Azure Functions sees it: every door, in the order in which an event meets them."""

import azure.functions as func

from functions import (
    access,
    catalog,
    deliver,
    funnel,
    health,
    me,
    no_door,
    operate,
    people,
    preflight,
    process,
    receive,
    reference,
    routing,
    subscriptions,
    tick,
)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

for door in (
    receive,
    preflight,
    process,
    deliver,
    tick,
    catalog,
    routing,
    subscriptions,
    people,
    access,
    me,
    operate,
    funnel,
    health,
    reference,
    no_door,
):
    app.register_functions(door.bp)
