"""``trueup explain``: every difference of one object, hidden ones with the rule that hid them."""

from __future__ import annotations

import pytest

from tests.verbs_desk import NETWORK_API, Desk, Run, account, group, network

pytestmark = pytest.mark.loopback


def start(desk: Desk) -> str:
    """Apply an account and a network whose region Azure respells; return the account's name."""
    name = f"{desk.name}store"
    desk.write(group(desk.name), account(name, desk.name), network("net", desk.name, location="West Europe"))
    desk.apply()
    return name


def test_hidden_difference_is_shown_with_its_rule(desk: Desk) -> None:
    """What does not count is there with both values and the rule."""
    start(desk)
    desk.azure.rewrite(desk.id_of("network", "net"), api=NETWORK_API, location="westeurope")
    desk.check_clean()

    shown, text = desk.run("explain", "net", "-o", "json"), desk.run("explain", "net")

    assert (shown.code, text.code) == (0, 0)
    hidden = {s["text"]: s for s in shown.json["suppressed"]}
    assert (hidden["location"]["before"], hidden["location"]["after"]) == ("westeurope", "West Europe")
    assert hidden["location"]["rule"] == "region"
    assert shown.json["changes"] == []
    assert "/location" in text.out
    assert "region" in text.out


def test_counting_difference_is_shown_with_who_moved(desk: Desk) -> None:
    """What counts is there too; a path narrows both."""
    name = start(desk)
    desk.azure.edit("PATCH", desk.id_of("account", name), {"properties": {"accessTier": "Cool"}})

    whole, narrow, other = (desk.run("explain", name, *path, "-o", "json") for path in ([], ["/properties"], ["/sku"]))

    assert [(c["text"], c["origin"]) for c in whole.json["changes"]] == [("properties.accessTier", "drift")]
    assert [c["text"] for c in narrow.json["changes"]] == ["properties.accessTier"]
    assert other.json["changes"] == []
    assert [s["text"] for s in whole.json["suppressed"]] == ["tags"]
    assert narrow.json["suppressed"] == []


@pytest.mark.parametrize(
    "form", ["{name}", "StorageAccount/{name}", "web/StorageAccount/{name}", "WEB/storageaccount/{name}", "{id}"]
)
def test_object_is_found_by_any_of_its_names(desk: Desk, form: str) -> None:
    """Name, kind and name, all three, in any letter case, or the ARM id."""
    name = start(desk)

    done = desk.run("explain", form.format(name=name, id=desk.id_of("account", name)))

    assert done.code == 0
    assert name in done.out


@pytest.mark.parametrize(("asked", "words"), [("nobody", "'nobody' is not among"), ("*", "means 3 objects")])
def test_name_that_is_not_one_object_is_an_error(desk: Desk, asked: str, words: str) -> None:
    """An unknown or ambiguous name is an error that says what to do, exit 1."""
    start(desk)

    done: Run = desk.run("explain", asked)

    assert done.code == 1
    assert words in done.err
    assert "namespace/Kind/name" in done.err or "name one of them" in done.err


def test_object_that_cannot_be_read_is_explained_as_such(desk: Desk) -> None:
    """Exit 3 and the cause, not a traceback and not "in sync"."""
    name = start(desk)
    denied = {"status": 403, "body": {"error": {"code": "AuthorizationFailed", "message": "Not you."}}}
    desk.azure.script({"match": {"method": "GET", "path_regex": "storageAccounts"}, "times": None, "answer": denied})

    done = desk.run("explain", name)

    assert done.code == 3
    assert "Not you." in done.out + done.err
