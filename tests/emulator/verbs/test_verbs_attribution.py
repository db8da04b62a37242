"""Who moved, and when: Azure's own stamp on what drifted, never on what we wrote."""

from __future__ import annotations

import pytest

from tests.verbs_desk import Desk, group, identity

pytestmark = pytest.mark.loopback
API = "2023-01-31"
COLLEAGUE = "colleague@contoso.example"


def start(desk: Desk) -> str:
    """Apply an identity with a tag; return its id."""
    wanted = identity("app", desk.name)
    wanted["spec"]["tags"] = {"env": "prod"}
    desk.write(group(desk.name), wanted)
    desk.apply()
    return desk.id_of("identity", "app")


def test_drift_names_its_author(desk: Desk) -> None:
    """Text, JSON and markdown of drift and plan say who wrote last, where Azure says so."""
    resource = start(desk)
    desk.azure.edit("PATCH", resource, {"tags": {"env": "test"}}, api=API)

    drift, plan = desk.run("drift"), desk.run("plan")
    as_json, markdown = desk.run("drift", "-o", "json").json, desk.run("drift", "-o", "markdown")

    assert f"    changed by a person, {COLLEAGUE}, " in drift.out
    assert f"      changed by a person, {COLLEAGUE}, " in plan.out
    (row,) = as_json["resources"]
    assert (row["lastModified"]["by"], row["lastModified"]["byType"]) == (COLLEAGUE, "User")
    assert desk.plan().step("app")["lastModified"] == row["lastModified"]
    assert "changed by a person, colleague&#64;contoso.example" in markdown.out


def test_our_own_write_is_nobodys_drift(desk: Desk) -> None:
    """Where the last author is the one whose write we remember, nothing is claimed."""
    resource = start(desk)
    desk.azure.rewrite(resource, api=API, tags={"env": "test"})

    drift = desk.run("drift")

    assert drift.code == 2
    assert "changed by" not in drift.out


def test_first_read_claims_nothing(desk: Desk) -> None:
    """Without a remembered apply the last author may have been us."""
    resource = start(desk)
    desk.azure.edit("PATCH", resource, {"tags": {"env": "test"}}, api=API)
    (desk.state / "state.db").unlink()

    drift = desk.run("drift")

    assert drift.code == 2
    assert "changed by" not in drift.out
