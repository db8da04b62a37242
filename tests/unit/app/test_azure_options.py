"""From settings to what the adapter for Azure is told."""

from __future__ import annotations

from engine.app.azure import build_arm_options
from engine.app.credentials import build_options
from engine.app.settings import Settings
from engine.cluster.credentials import Credential
from engine.cluster.operating import Operating
from providers.arm.options import IN_FLIGHT

_SECRET = {"AZURE_SUBSCRIPTION_ID": "s", "AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "x"}


def test_the_sender_names_itself_and_its_user() -> None:
    """The suffix follows our name; without one there is nothing after it."""
    suffixed = Settings.from_environment({"AZURE_USER_AGENT_SUFFIX": " contoso/1  eu "})

    assert build_arm_options(suffixed).user_agent == "trueup contoso/1 eu"
    assert build_arm_options(Settings()).user_agent == "trueup"


def test_requests_in_flight_follow_the_workers_asked_for() -> None:
    """Twice MAX_CONCURRENT_RECONCILES allows twice the requests at once; the credential in use is the Secret's."""
    found = build_options(
        Credential(source="n/s", settings=_SECRET), Settings(), Operating(concurrency=2 * Operating().concurrency)
    )

    assert found.in_flight == {purpose: 2 * n for purpose, n in IN_FLIGHT.items()}
    assert found.credential == _SECRET
