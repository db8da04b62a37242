"""Whatever is wrong with one object or file: named with place, cause and advice; the others are done, exit code 1."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from engine.runtime.desired import gather_desired
from providers.manifests.source import ManifestSource
from tests.verbs_desk import Desk, Run, account, group, make_object

pytestmark = pytest.mark.loopback

GROUP = "apiVersion: resources.azure.com/v1api20200601\nkind: ResourceGroup\nmetadata: {name: bad}\n"
SPEC = "spec: {location: westeurope}\n"
ACCOUNT = (
    "apiVersion: storage.azure.com/v1api20230101\nkind: StorageAccount\nmetadata: {name: badacct, namespace: web}\n"
)
SKU = "  location: a\n  kind: StorageV2\n  sku: {name: Standard_LRS}\n"


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


BAD: dict[str, tuple[str | bytes, str, tuple[str, ...]]] = {
    # name: content, file name, words of the one error
    "cut yaml": (f"{GROUP}spec: {{location: west", "x.yaml", ("x.yaml:", "not YAML")),
    "tab": (f"{GROUP}spec:\n\tlocation: westeurope\n", "x.yaml", ("x.yaml:5", "spaces")),
    "cut json": ('{"kind": "ResourceGroup",\n "spec": {', "x.json", ("x.json:2", "not JSON")),
    "duplicate key in yaml": (
        f"{GROUP}spec:\n  location: a\n  location: b\n",
        "x.yaml",
        ("x.yaml:6", "duplicate key 'location'"),
    ),
    "duplicate key in json": (
        '{"kind": "ResourceGroup",\n "kind": "X"}',
        "x.json",
        ("x.json:2", "duplicate key 'kind'"),
    ),
    "huge integer": (
        f"{GROUP}spec: {{location: w, tags: {{a: 123456789012345678901234567890}}}}\n",
        "x.yaml",
        ("x.yaml:4", "bits"),
    ),
    "endless integer": (f"{GROUP}spec: {{a: {'9' * 5_000}}}\n", "x.yaml", ("x.yaml:4", "5000 digits")),
    "not a number": (f"{GROUP}spec: {{a: .nan}}\n", "x.yaml", ("x.yaml:4", ".nan is not a number")),
    "infinity in json": ('{"kind": "X", "a": 1e400}', "x.json", ("x.json:1", "beyond")),
    "NaN in json": ('{"kind": "X",\n "a": NaN}', "x.json", ("x.json:", "NaN is not a number")),
    "ten thousand levels": (f"{GROUP}spec: {nested(10_000)}\n", "x.yaml", ("x.yaml:4", "levels deep")),
    "ten thousand levels of json": (nested(10_000), "x.json", ("x.json:1", "levels deep")),
    "bytes": (b"\x80\x81\xfe\xff" * 10, "x.yaml", ("x.yaml:1", "byte 0x80")),
    "nul": (f"{GROUP}spec: {{location: 'a\0b'}}\n", "x.yaml", ("x.yaml:4",)),
    "bomb": (
        "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 10)}]\n" for n in range(12)),
        "x.yaml",
        ("x.yaml:", "aliases blow"),
    ),
    "key that is a list": (f"{GROUP}spec: {{? [a, b] : c}}\n", "x.yaml", ("x.yaml:4", "key")),
    "no name": (
        "apiVersion: resources.azure.com/v1api20200601\nkind: ResourceGroup\n",
        "x.yaml",
        ("x.yaml:1", "metadata.name"),
    ),
    "unknown kind": (GROUP.replace("ResourceGroup", "ResourceGrop") + SPEC, "x.yaml", ("x.yaml:1", "ResourceGroup")),
    "unknown group": (GROUP.replace("azure.com", "azure.comm") + SPEC, "x.yaml", ("x.yaml:1", "resources.azure.com?")),
    "unknown member": (f"{GROUP}spec:\n  location: a\n  locatoin: b\n", "x.yaml", ("x.yaml:6", "locatoin", "location")),
    "wrong type": (f"{GROUP}spec:\n  location: [a]\n", "x.yaml", ("x.yaml:5", "must be a text")),
    "spec that is a list": (f"{GROUP}spec: [1]\n", "x.yaml", ("x.yaml:", "must be an object")),
    "name that climbs": (f"{GROUP}spec: {{location: a, azureName: '../other'}}\n", "x.yaml", ("x.yaml:4", "azureName")),
    "owner in another subscription": (
        f"{ACCOUNT}spec:\n  owner:\n    armId: /subscriptions/11111111-2222-3333-4444-5/resourceGroups/x\n{SKU}",
        "x.yaml",
        ("x.yaml:6", "lies in subscription 11111111", "--subscription"),
    ),
    "owner id that is none": (
        f"{ACCOUNT}spec:\n  owner: {{armId: /nowhere}}\n{SKU}",
        "x.yaml",
        ("x.yaml:5", "is not an ARM id"),
    ),
    "secret that is not base64": (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: '%%%'}\n",
        "x.yaml",
        ("x.yaml:1", "'k' is not base64"),
    ),
}


def good(desk: Desk) -> None:
    """Write the objects that go on whatever stands beside them."""
    desk.write(group(desk.name), account(f"{desk.name}acct", desk.name), file="good")


def check_errors(run: Run, *words: str) -> None:
    """Fail unless the run ended with 1 and one line of its errors has all these words."""
    assert run.code == 1, run.out + run.err
    assert "Traceback" not in run.err
    lines = [line for line in run.err.splitlines() if line.startswith("trueup: error: ")]
    assert any(all(word in line for word in words) for line in lines), run.err
    assert len(run.err) < 3_000


def check_goes_on(desk: Desk, *words: str) -> None:
    """Fail unless render, plan and apply name what is wrong and do the rest, and nothing else reaches Azure."""
    rendered, planned = desk.run("render", "-o", "ndjson"), desk.run("plan", "-o", "json")
    desk.azure.forget_traffic()
    applied = desk.run("apply", "--yes")

    for run in (rendered, planned, applied):
        check_errors(run, *words)
    assert f"{desk.name}acct" in {json.loads(line)["object"]["name"] for line in rendered.out.splitlines()}
    assert planned.step(f"{desk.name}acct")["action"] == "create"
    assert set(desk.azure.writes) == {f"PUT resourceGroups/{desk.name} 201", f"PUT storageAccounts/{desk.name}acct 202"}
    assert desk.azure.get(desk.id_of("account", f"{desk.name}acct")) is not None


@pytest.mark.parametrize("case", BAD, ids=BAD)
def test_one_bad_file_stops_nothing_else(desk: Desk, case: str) -> None:
    """A file or object that cannot be used is one error with place and cause; the others are rendered and applied."""
    content, name, words = BAD[case]
    good(desk)
    (desk.manifests / name).write_bytes(content.encode() if isinstance(content, str) else content)

    check_goes_on(desk, *words)


def test_last_line_counts_what_could_not_be_used(desk: Desk) -> None:
    """After an error in the input no verb says that all is well, and none prints the error twice."""
    good(desk)
    desk.apply()
    (desk.manifests / "x.yaml").write_text(GROUP.replace("azure.com", "azure.comm") + SPEC)

    runs = {verb: desk.run(verb, *more) for verb, more in (("plan", ()), ("drift", ()), ("apply", ("--yes",)))}

    assert {verb: run.code for verb, run in runs.items()} == dict.fromkeys(runs, 1)
    assert runs["plan"].out == "No changes in the 2 resources that could be planned; 1 error.\n"
    assert runs["drift"].out == "No drift in the 2 resources that could be checked; 1 error.\n"
    assert runs["apply"].out.splitlines()[-1].endswith("2 unchanged, 0 failed, 0 skipped; 0 writes; 1 error.")
    assert all("unknown group" not in run.out for run in runs.values())


def test_owners_in_a_circle_are_named(desk: Desk) -> None:
    """Objects that own each other are one error that names the circle; what does not hang on it goes on."""
    circle = [
        make_object(
            "Extension",
            "kubernetesconfiguration/v1api20230501",
            name,
            {
                "owner": {"group": "kubernetesconfiguration.azure.com", "kind": "Extension", "name": owner},
                "extensionType": "microsoft.flux",
            },
        )
        for name, owner in (("one", "two"), ("two", "three"), ("three", "one"))
    ]
    good(desk)
    desk.write(*circle, file="circle")

    check_goes_on(desk, "circle.yaml:", "owners form a cycle", "web/Extension/one -> web/Extension/two")


def test_two_objects_for_one_resource_are_both_refused(desk: Desk) -> None:
    """Two objects that stand for one Azure resource are an error each that names the other; neither is written."""
    good(desk)
    twins = [
        account(name, desk.name, azureName=f"{desk.name}TWIN" if name == "a" else f"{desk.name}twin") for name in "ab"
    ]
    desk.write(*twins, file="twins")

    check_goes_on(
        desk, "twins.yaml:1", "web/StorageAccount/a stands for the same Azure resource", "web/StorageAccount/b"
    )
    assert {"a", "b"}.isdisjoint(desk.plan().actions)


def test_one_object_in_two_versions_of_its_content_is_refused(desk: Desk) -> None:
    """The same object twice with different content is one error that names both places."""
    good(desk)
    desk.write(account("twice", desk.name), file="x1")
    desk.write(account("twice", desk.name, accessTier="Cool"), file="x2")

    check_goes_on(desk, "x1.yaml:1", "x2.yaml:1", "different content")


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.encode("utf-16"),
    ],
    ids=["byte order mark", "CRLF", "UTF-16"],
)
def test_files_of_other_editors_are_read(desk: Desk, encode: Callable[[str], bytes]) -> None:
    """A byte order mark, line ends of Windows and UTF-16 make no difference."""
    good(desk)
    file = desk.manifests / "good.yaml"
    file.write_bytes(encode(file.read_text()))

    planned = desk.plan()

    assert (planned.code, planned.err) == (0, "")
    assert set(planned.actions.values()) == {"create"}


def test_things_in_a_folder_that_are_no_files_do_not_hang(desk: Desk) -> None:
    """A pipe and a device are passed over, a broken link and an unreadable file are named; the others are read."""
    good(desk)
    os.mkfifo(desk.manifests / "pipe.yaml")
    (desk.manifests / "device.yaml").symlink_to("/dev/zero")
    (desk.manifests / "broken.yaml").symlink_to(desk.manifests / "nowhere")
    (desk.manifests / "loop.yaml").symlink_to(desk.manifests / "loop.yaml")
    (desk.manifests / "circle").symlink_to(desk.manifests)

    planned = desk.spawn("plan", "-o", "json")

    check_errors(planned, "broken.yaml", "cannot be read")
    assert "loop.yaml" in planned.err
    assert planned.step(f"{desk.name}acct")["action"] == "create"


@pytest.mark.parametrize("kind", ["pipe", "device", "nothing"])
def test_what_is_named_and_no_file_is_an_error(desk: Desk, kind: str, tmp_path: Path) -> None:
    """A path that was asked for by name and holds no manifest is an error that names it; nothing hangs."""
    path = tmp_path / "named.yaml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")

    done = desk.spawn("render", "-f", str(path), files=False)

    check_errors(done, "named.yaml")


def test_a_pipe_with_a_writer_is_read_once(desk: Desk) -> None:
    """A pipe that a shell hands over is a file like others; naming the place of an error does not read it again."""
    text = GROUP + "spec:\n  location: a\n  locatoin: b\n"

    done = desk.spawn("render", "-f", "/dev/stdin", files=False, stdin=text.encode())

    check_errors(done, "/dev/stdin:1", "locatoin")


def test_bytes_on_standard_input_are_one_error(desk: Desk) -> None:
    """Standard input that is no text is named as such."""
    done = desk.spawn("render", "-f", "-", files=False, stdin=bytes(range(128, 256)))

    check_errors(done, "-:1", "is not UTF-8")


EVIL = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202edrowssap"


def test_nothing_in_the_input_drives_the_terminal(desk: Desk) -> None:
    """Escape sequences and marks that turn text around reach no output raw, in names, values, keys and messages."""
    evil = account("evil", desk.name, tags={"t": EVIL, EVIL: "v"}, kindd=EVIL)
    plain = account(
        f"{desk.name}evil", desk.name, tags={"t": EVIL, f"k{EVIL}": "v"}, annotations={"trueup.dev/x" + EVIL: EVIL}
    )
    bad = [evil, account(f"n{EVIL}", desk.name), account("o", f"{desk.name}{EVIL}"), group("g", tags={EVIL: [EVIL]})]
    good(desk)
    desk.write(plain, *bad, file="evil")
    (desk.manifests / f"file-{EVIL.replace('/', '')}.yaml").write_text("a: [")

    runs = [desk.run("render", "-o", form) for form in ("text", "yaml", "http", "ndjson")]
    runs += [
        desk.run(v, "-o", form, "--verbose")
        for v in ("plan", "drift")
        for form in ("text", "json", "ndjson", "markdown")
    ]
    runs += [desk.run("apply", "--yes", "-o", form) for form in ("text", "ndjson")]
    resource = desk.id_of("account", f"{desk.name}evil")
    desk.azure.edit_tags(resource, "Merge", {"t": f"{EVIL}2", f"{EVIL}2": EVIL})
    runs += [
        desk.run(v, "-o", form, "--verbose")
        for v in ("plan", "drift")
        for form in ("text", "json", "ndjson", "markdown")
    ]
    runs += [desk.run("explain", f"{desk.name}evil", "-o", form) for form in ("text", "json")]
    runs += [
        desk.run("explain", EVIL),
        desk.run("plan", "--target", EVIL),
        desk.run("plan", "-l", EVIL),
        desk.run("schema", "show", EVIL, files=False),
    ]

    for run in runs:
        raw = {c for c in run.out + run.err if not c.isprintable() and c != "\n"}
        assert not raw, (raw, run)
        assert "Traceback" not in run.err
    assert "\\u001b" in runs[0].err


@contextmanager
def count_calls() -> Iterator[Counter[str]]:
    """Count calls of functions, C functions too, in this thread and those that begin inside."""
    counter = Counter[str]()

    def count(_frame: object, event: str, _arg: object) -> None:
        counter[event] += 1

    threading.setprofile(count)
    sys.setprofile(count)
    try:
        yield counter
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def test_a_large_file_costs_in_proportion(tmp_path: Path) -> None:
    """Reading and rendering three hundred objects takes no more steps per object than thirty."""

    def steps(count: int) -> int:
        file = tmp_path / f"{count}.yaml"
        file.write_text(yaml.safe_dump_all(account(f"a{n}", f"g{n % 50}") for n in range(count)))
        source = ManifestSource([str(file)], read_stdin=bytes)
        with count_calls() as counter:
            asyncio.run(gather_desired(source, subscription="s"))
        return counter.total()

    assert steps(300) < 12 * steps(30)


def test_naming_the_places_of_many_errors_costs_in_proportion(tmp_path: Path) -> None:
    """A file in which every object is wrong is looked through once, not once per error."""

    def steps(count: int) -> int:
        file = tmp_path / f"{count}.yaml"
        file.write_text(yaml.safe_dump_all(account(f"a{n}", "g", accessTeir="Hot") for n in range(count)))
        source = ManifestSource([str(file)], read_stdin=bytes)
        with count_calls() as counter:
            result = asyncio.run(gather_desired(source, subscription="s"))
        assert len({problem.origin for problem in result.problems}) == count
        return counter.total()

    assert steps(300) < 12 * steps(30)
