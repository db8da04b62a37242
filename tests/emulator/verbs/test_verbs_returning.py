"""A difference that comes back after it was put right is written once more by nobody but a person."""

from __future__ import annotations

import pytest

from tests.verbs_desk import STORAGE_API, Desk, account, group

pytestmark = pytest.mark.loopback

WORDS = "moved back to the same value"


def write_account(desk: Desk, **spec: object) -> str:
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name, **spec))
    return desk.id_of("account", f"{desk.name}store")


def move(desk: Desk, resource: str, tier: str = "Cool") -> None:
    """Let Azure hold another tier, as a policy would."""
    desk.azure.edit("PATCH", resource, {"properties": {"accessTier": tier}})


def make_return(desk: Desk) -> str:
    """Create an account, put its drift right once, and let the same drift come back."""
    resource = write_account(desk)
    desk.apply()
    move(desk, resource)
    desk.apply()
    assert len(desk.azure.writes) == 1
    move(desk, resource)
    return resource


def test_difference_that_came_back_is_not_written_again(desk: Desk) -> None:
    """The second return is shown as NotConverging with the way out, in a run of its own; nothing is sent."""
    resource = make_return(desk)

    step = desk.plan().step(f"{desk.name}store")
    done = desk.apply()

    assert (step["action"], step["reason"]) == ("skip", "NotConverging")
    assert "trueup.dev/ignore: /spec/accessTier" in step["detail"]
    assert "--allow-rewrite" in step["detail"]
    assert done.json["summary"]["writes"] == 0
    assert desk.azure.writes == []
    assert desk.azure.get(resource)["properties"]["accessTier"] == "Cool"
    assert desk.run("drift").code == 2


def test_return_is_warned_of_once(desk: Desk) -> None:
    """Plans warn until an apply did; later runs show the step and say nothing more."""
    make_return(desk)

    warnings = [
        WORDS in desk.run(verb, *more).err
        for verb, *more in (("plan",), ("apply", "--yes"), ("apply", "--yes"), ("plan",))
    ]

    assert warnings == [True, True, False, False]


def test_another_move_of_azure_is_drift_as_any_other(desk: Desk) -> None:
    """Only the same values again are a return; once another value was put right, the first is news too."""
    resource = make_return(desk)
    move(desk, resource, "Premium")

    desk.apply()

    assert desk.azure.get(resource)["properties"]["accessTier"] == "Hot"
    move(desk, resource)
    desk.apply()
    assert desk.azure.get(resource)["properties"]["accessTier"] == "Hot"


def test_an_edit_of_the_user_is_written(desk: Desk) -> None:
    """Another value in the manifest is a reason to write."""
    resource = make_return(desk)
    write_account(desk, accessTier="Premium")

    desk.apply()

    assert desk.azure.get(resource)["properties"]["accessTier"] == "Premium"


def test_allow_rewrite_writes_once_more(desk: Desk) -> None:
    """Who knows that the quarrel is over says so; the difference that comes back then is a return again."""
    resource = make_return(desk)

    done = desk.apply("--allow-rewrite")

    assert desk.azure.get(resource)["properties"]["accessTier"] == "Hot"
    (allowed,) = done.json["allowed"]
    assert [g["name"] for g in allowed["guards"]] == ["not-converging"]
    move(desk, resource)
    assert desk.plan().step(f"{desk.name}store")["action"] == "skip"


def test_ignore_rule_ends_the_quarrel(desk: Desk) -> None:
    """What the report suggests makes the plan clean."""
    make_return(desk)
    ignored = {"trueup.dev/ignore": "/spec/accessTier"}
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name, annotations=ignored))

    desk.apply()

    desk.check_clean()


def test_tag_that_comes_back_is_not_removed_again(desk: Desk) -> None:
    """Tags that a policy adds are a quarrel like any other."""
    resource = write_account(desk, tags={"app": "web"})
    desk.apply()
    for _ in range(2):
        desk.azure.edit_tags(resource, "Merge", {"cost": "42"})
        desk.apply()

    assert desk.azure.writes == []
    assert desk.azure.get(resource, api=STORAGE_API)["tags"] == {"app": "web", "cost": "42"}
