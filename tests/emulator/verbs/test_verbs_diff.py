"""``trueup diff``: two folders, two snapshots, manifests and Azure."""

from __future__ import annotations

import pytest

from tests.verbs_desk import SECRET_TEXT, Desk, account, group, identity, secret, server

pytestmark = pytest.mark.loopback


def test_two_folders(desk: Desk) -> None:
    """Objects that both ask for differ by what they ask for; nothing is read from Azure."""
    old, new = desk.folder / "old", desk.folder / "new"
    desk.write(
        group(desk.name), account("one", desk.name), identity("gone", desk.name), secret(), server("db", desk.name)
    )
    desk.manifests.rename(old)
    changed = [account("one", desk.name, accessTier="Cool"), server("db", desk.name), secret("Other-Canary-1")]
    desk.write(group(desk.name), *changed, identity("new", desk.name))
    desk.manifests.rename(new)
    desk.azure.forget_traffic()

    done = desk.run("diff", str(old), str(new), "-o", "json", files=False)
    text = desk.run("diff", str(old), str(new), "--detailed-exitcode", files=False)
    same = desk.run("diff", str(new), str(new), "--detailed-exitcode", files=False)

    assert (done.code, text.code, same.code) == (0, 2, 0)
    states = {r["object"]["name"]: (r["state"], [c["path"] for c in r["changes"]]) for r in done.json["resources"]}
    assert states == {
        "one": ("changed", ["/properties/accessTier"]),
        "db": ("changed", ["/properties/administratorLoginPassword"]),
        "gone": ("removed", []),
        "new": ("added", []),
    }
    assert "Other-Canary-1" not in done.out + text.out
    assert SECRET_TEXT not in done.out + text.out
    assert "Diff: 2 changed, 1 added, 1 removed; 1 the same." in text.out
    assert desk.azure.reads == 0


def test_two_snapshots(desk: Desk) -> None:
    """What Azure held is compared, resource by resource, offline; times and stamps of Azure are no difference."""
    name = f"{desk.name}two"
    desk.write(group(desk.name), account(name, desk.name), identity("app", desk.name))
    desk.apply()
    first, second = str(desk.folder / "1.json"), str(desk.folder / "2.json.zst")
    assert desk.run("snapshot", "-o", first).code == 0
    desk.azure.edit("PATCH", desk.id_of("account", name), {"properties": {"accessTier": "Cool"}})
    desk.azure.edit("DELETE", desk.id_of("identity", "app"), api="2023-01-31")
    assert desk.run("snapshot", "-o", second).code == 0

    done = desk.run("diff", first, second, "-o", "ndjson", "--detailed-exitcode", files=False)
    same = desk.run("diff", second, second, files=False)

    assert done.code == 2
    assert f'"name":"{name}"' in done.out
    assert '"before":"Hot","after":"Cool"' in done.out
    assert '"summary":{"text":"Diff: 1 changed, 0 added, 1 removed; 1 the same."' in done.out
    assert same.out == "No differences. 3 resources compared.\n"


def test_manifests_and_azure(desk: Desk) -> None:
    """Azure is compared as on a first read, whatever is remembered; what cannot be read is exit 3."""
    name = f"{desk.name}az"
    desk.write(group(desk.name), account(name, desk.name))
    missing = desk.run("diff")
    desk.apply()
    clean = desk.run("diff", "--detailed-exitcode")
    desk.azure.edit("PATCH", desk.id_of("account", name), {"properties": {"accessTier": "Cool"}})

    done = desk.run("diff", "--detailed-exitcode")
    denied = {"status": 403, "body": {"error": {"code": "AuthorizationFailed", "message": "Not you."}}}
    desk.azure.script({"match": {"method": "GET", "path_regex": "storageAccounts"}, "times": None, "answer": denied})
    unread = desk.run("diff")

    assert (missing.code, clean.code, done.code, unread.code) == (0, 0, 2, 3)
    assert "Diff: 0 changed, 2 added, 0 removed; 0 the same." in missing.out
    assert "From Azure to the manifests:" in done.out
    assert '~ properties.accessTier: "Cool" → "Hot"' in done.out
    assert "Not you." in unread.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{one}"], "name two files"),
        (["{one}", "{saved}"], "a snapshot is compared with a snapshot"),
        (["{one}", "{one}", "-f", "{one}"], "name two files"),
        (["{one}", "{gone}"], "no such file"),
        (["--pairs", "x", "-o", "text"], "prints ndjson"),
        ([], "no input"),
    ],
)
def test_what_cannot_be_compared_is_an_error(desk: Desk, arguments: list[str], words: str) -> None:
    """One thing alone, or two of different kinds, are refused with what to do."""
    desk.write(group(desk.name))
    saved = desk.folder / "s.json"
    desk.run("snapshot", "-o", str(saved))
    names = {"one": str(desk.manifests), "saved": str(saved), "gone": str(desk.folder / "gone.yaml")}

    done = desk.run("diff", *(a.format(**names) for a in arguments), files=False)

    assert done.code == 1
    assert words in done.err
