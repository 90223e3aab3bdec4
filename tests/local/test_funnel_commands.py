"""The funnel command: a funnel of the running app is drawn with bars, and what the app refuses is said."""

import pytest

from tests.local.test_backup_commands import local, refusal, said
from tests.local.test_export_commands import environment
from tests.running import Running

__all__ = ["environment"]
pytestmark = pytest.mark.slow
EVENT = "transactions.order-placed"


def test_stages_reasons_and_destinations_are_drawn(running: Running, environment):
    posted = running.post_order(person={"email": "drawn@example.com"})
    running.client.receipt(posted.doc["id"], lambda doc: doc["status"] == "delivered")
    running.post_order(test=True)

    drawn = said(local(environment, "funnel", "demo", EVENT))

    assert [one for one in ("received", "valid", "resolved", "consented", "routed") if one not in drawn] == []
    assert "█" in drawn
    assert "to journeys:" in drawn
    assert "test events" in drawn


def test_what_the_app_refuses_is_said(environment):
    assert "No event of this name" in refusal(local(environment, "funnel", "demo", "no.such"))
    assert "cannot be used" in refusal(local(environment, "funnel", "demo", EVENT, "--since", "yesterday"))
