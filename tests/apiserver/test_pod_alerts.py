"""``trueup run --alerts`` on a real API server: told once, over kills and other settings, and never in a pass's way."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.app.cli import main
from engine.cluster.leases import shard_of
from tests.apiserver.any_pods import open_web, running
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import GROUPS, Pod, Web
from tests.apiserver.rights import Rights
from tests.chart.helm import Helm, find_helm
from tests.receivers import Receiver, receiver
from tests.verbs_desk import Azure, group

pytestmark = pytest.mark.apiserver


@pytest.fixture
def web(admin: Api, azure: Azure, kinds: None) -> Web:
    """Return a namespace with a credential."""
    return open_web(admin, azure, "alerts")


@pytest.fixture
def there() -> Iterator[Receiver]:
    """Return a receiver."""
    with receiver() as found:
        yield found


def hook(name: str, url: str, folder: Path) -> dict[str, Any]:
    """Return a webhook sink."""
    (folder / "key").write_text("shared")
    return {"name": name, "type": "webhook", "url": url, "key": {"file": str(folder / "key")}}


def write(folder: Path, *sinks: Mapping[str, Any], **more: Any) -> Path:
    """Write settings as the kubelet does: at once."""
    made, path = folder / "new", folder / "alerts.yaml"
    made.write_text(json.dumps({"cluster": "c1", "sinks": sinks, **more}))
    made.rename(path)
    return path


def environment(web: Web, mode: str = "watchers") -> dict[str, str]:
    return {"AZURE_SYNC_PERIOD": "never", "AZURE_TARGET_NAMESPACES": web.namespace, "AZURE_OPERATOR_MODE": mode}


def make(web: Web, *names: str, **metadata: Any) -> None:
    """Create resource groups and wait until passes find nothing to do: one after an edit puts drift right."""
    for name in names:
        web.create(GROUPS, group(name, tags={"app": "shop"}, **metadata))
    for name in names:
        web.wait_ready(GROUPS, name)
    more_passes(web, 2 * len(names))


def edit(web: Web, name: str, value: str = "theirs") -> None:
    """Let a colleague change a tag; ``shop`` is what the object says."""
    web.azure.edit_tags(f"{web.azure.subscription}/resourceGroups/{name}", "Replace", {"app": value})


def more_passes(web: Web, count: int = 4) -> None:
    """Wait until everything was looked at again and again."""
    seen = web.azure.reads
    web.wait_for("more passes", lambda: web.azure.reads >= seen + count)


def told(there: Receiver) -> list[tuple[str, list[str], list[str]]]:
    """Return the id of each message that came, and the names of what it says of drift that began and ended."""
    found = [json.loads(body) for _, _, body in there.got]

    def names(alerts: list[Any]) -> list[str]:
        return sorted(a["object"].rpartition("/")[2] for a in alerts)

    return [(m["id"], names(m["firing"]), names(m["resolved"])) for m in found]


def wait_told(web: Web, there: Receiver, *expected: tuple[list[str], list[str]]) -> None:
    """Wait until as many messages came as are expected, and see that they are those."""
    web.wait_for(f"{len(expected)} messages", lambda: len(there.got) >= len(expected))
    assert [(firing, ended) for _, firing, ended in told(there)] == list(expected)


def outboxes(admin: Api, operator: str) -> dict[str, str]:
    """Return the versions of the outboxes by name."""
    found = admin.get(f"/api/v1/namespaces/{operator}/secrets?labelSelector=trueup.dev/alerts%3Doutbox")["items"]
    return {s["metadata"]["name"]: s["metadata"]["resourceVersion"] for s in found}


def test_drift_is_told_once_and_so_is_its_end(
    plane: ControlPlane, web: Web, there: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Passes that see the same write and send nothing; routes go by labels; the outbox says who knows what."""
    routes = [{"sinks": ["team"], "match": {"labels": {"team": "web"}}}]
    path = write(tmp_path, hook("team", there.url, tmp_path), routes=routes)
    options = ("--alerts", str(path))
    with running(plane, web.azure, tmp_path, *options, environment=environment(web), operator="told") as pod:
        make(web, "told-web", labels={"team": "web"})
        make(web, "told-other", labels={"team": "other"})
        assert outboxes(plane.admin, "told") == {}
        edit(web, "told-web")
        edit(web, "told-other")
        wait_told(web, there, (["told-web"], []))
        more_passes(web)
        kept = outboxes(plane.admin, "told")
        more_passes(web)
        wait_told(web, there, (["told-web"], []))
        assert outboxes(plane.admin, "told") == kept

        pod.kill()
        pod.start()
        more_passes(web)
        wait_told(web, there, (["told-web"], []))
        code = main(["alerts", "list", "--kubeconfig", str(plane.kubeconfig()), "-n", "told"])
        said = capsys.readouterr().out
        edit(web, "told-web", "shop")
        wait_told(web, there, (["told-web"], []), ([], ["told-web"]))

    assert code == 0
    assert said.startswith(f"trueup-alerts-{shard_of(web.namespace, 4)}:\n  team knows of 1 alert:\n")
    assert list(kept) == [f"trueup-alerts-{shard_of(web.namespace, 4)}"]


def test_what_was_not_taken_is_told_after_a_kill(
    plane: ControlPlane, web: Web, there: Receiver, tmp_path: Path
) -> None:
    """A message outlives the process: the next one sends it with the id that it had."""
    path = write(tmp_path, hook("ours", there.url, tmp_path))
    there.status = 503
    with running(plane, web.azure, tmp_path, "--alerts", str(path), environment=environment(web)) as pod:
        make(web, "killed-rg")
        edit(web, "killed-rg")
        web.wait_for("a try", lambda: there.got)
        more_passes(web, 8)
        assert len(there.got) == 1
        pod.kill()
        there.status = 200
        (tmp_path / "key").write_text("another")
        pod.start()
        web.wait_for("another try", lambda: len(there.got) == 2)
        more_passes(web)

    first, second = told(there)
    assert first == second
    assert "sink ours answered HTTP 503" in pod.log.read_text()


def test_a_dead_message_is_sent_again_when_somebody_asks(
    plane: ControlPlane, web: Web, there: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command changes the outbox in the cluster, and the pod takes it up from there."""
    there.status = 400
    reach = ("--kubeconfig", str(plane.kubeconfig()), "-n", "again")
    path = write(tmp_path, hook("ours", there.url, tmp_path))
    with running(plane, web.azure, tmp_path, "--alerts", str(path), environment=environment(web), operator="again"):
        make(web, "again-rg")
        edit(web, "again-rg")
        web.wait_for("the refusal", lambda: there.got)
        web.wait_for("the outbox", lambda: _is_dead(reach, capsys))
        there.status = 200
        codes = [main(["alerts", "retry", *more, *reach]) for more in (["none-1"], [])]
        said = capsys.readouterr()
        web.wait_for("another try", lambda: len(there.got) == 2)

    assert codes == [1, 0]
    assert "no message none-1 waits or is dead" in said.err
    assert said.out == f"{told(there)[0][0]}: is sent again by the pod\n"
    assert told(there)[0] == told(there)[1]


def test_messages_of_a_shard_that_is_no_more_are_moved(
    plane: ControlPlane, web: Web, there: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What waits there when a pod with fewer shards begins is named, and sent by that pod when somebody asks."""
    there.status = 503
    reach = ("--kubeconfig", str(plane.kubeconfig()), "-n", "fewer")
    path = write(tmp_path, hook("ours", there.url, tmp_path))
    many = next(n for n in range(2, 99) if shard_of(web.namespace, n))
    left = f"trueup-alerts-{shard_of(web.namespace, many)}"
    set_up: dict[str, Any] = {"environment": environment(web), "operator": "fewer"}
    with running(plane, web.azure, tmp_path, "--alerts", str(path), "--shards", str(many), **set_up):
        make(web, "fewer-rg")
        edit(web, "fewer-rg")
        web.wait_for("a try", lambda: there.got)
    (tmp_path / "one").mkdir()
    with running(plane, web.azure, tmp_path / "one", "--alerts", str(path), "--shards", "1", **set_up):
        web.wait_for("both outboxes", lambda: set(outboxes(plane.admin, "fewer")) == {left, "trueup-alerts-0"})
        there.status = 200
        codes = [main(["alerts", *words, *reach]) for words in (["list"], ["retry"], ["retry"])]
        warned = capsys.readouterr().err
        first = told(there)[0]
        web.wait_for("the message", lambda: told(there).count(first) == 2)
        more_passes(web)

    assert codes == [0, 0, 0]
    assert f"no pod sends what is in {left} since there are fewer shards" in warned
    assert told(there).count(first) == 2


def _is_dead(reach: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> bool:
    assert main(["alerts", "list", *reach]) == 0
    return "1 message that nobody took" in capsys.readouterr().out


def test_a_receiver_that_hangs_is_in_nobodys_way(
    plane: ControlPlane, web: Web, there: Receiver, tmp_path: Path
) -> None:
    """Objects become Ready, and other sinks hear of drift, while one sink does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        path = write(tmp_path, hook("hangs", url, tmp_path), hook("takes", there.url, tmp_path))
        with running(plane, web.azure, tmp_path, "--alerts", str(path), environment=environment(web)) as pod:
            make(web, "hang-rg")
            edit(web, "hang-rg")
            wait_told(web, there, (["hang-rg"], []))
            make(web, "hang-more")
            is_waiting = "sink hangs did not answer" not in pod.log.read_text()

    assert is_waiting


def test_settings_are_read_again_when_they_change(
    plane: ControlPlane, web: Web, there: Receiver, tmp_path: Path
) -> None:
    """A file that cannot be used is named with its place, and those before it hold; one that can be takes effect."""
    path = write(tmp_path, hook("first", there.url + "/first", tmp_path))
    with running(plane, web.azure, tmp_path, "--alerts", str(path), environment=environment(web)) as pod:
        make(web, "read-one", "read-two")
        edit(web, "read-one")
        wait_told(web, there, (["read-one"], []))
        path.write_text("cluster: c1\nsinks:\n- {name: second, type: carrier-pigeon}\n")
        web.wait_for("the fault", lambda: "carrier-pigeon" in pod.log.read_text())
        edit(web, "read-two")
        wait_told(web, there, (["read-one"], []), (["read-two"], []))
        write(tmp_path, hook("second", there.url + "/second", tmp_path))
        web.wait_for("the other sink", lambda: len(there.got) == 3)

    assert f"{path}:3: sinks[0].type 'carrier-pigeon' is no type of sink" in pod.log.read_text()
    assert "the settings before it hold" in pod.log.read_text()
    assert [where for where, _, _ in there.got] == ["/first", "/first", "/second"]
    assert told(there)[2][1:] == (["read-one", "read-two"], [])


def test_a_bad_file_keeps_nothing_from_being_managed(plane: ControlPlane, web: Web, tmp_path: Path) -> None:
    """The pod starts, says what is wrong, and works; nobody is told."""
    with running(
        plane, web.azure, tmp_path, "--alerts", str(tmp_path / "none.yaml"), environment=environment(web)
    ) as pod:
        make(web, "bad-file-rg")
        web.wait_for("the fault", lambda: "none.yaml cannot be read" in pod.log.read_text())

    assert "nobody is told of drift" in pod.log.read_text()


def test_alerts_are_events_of_the_objects(plane: ControlPlane, web: Web, tmp_path: Path) -> None:
    """A sink of type events needs no address; ``kubectl describe`` finds what it says by the object's uid."""
    path = write(tmp_path, {"name": "cluster", "type": "events"})
    with running(plane, web.azure, tmp_path, "--alerts", str(path), environment=environment(web)):
        make(web, "event-rg")
        edit(web, "event-rg")
        events = web.wait_for("the event", lambda: _alert_events(web, "event-rg"))
        edit(web, "event-rg", "shop")
        web.wait_for("its end", lambda: len(_alert_events(web, "event-rg")) == 2)
        ended = _alert_events(web, "event-rg")[-1]

    found = web.get(GROUPS, "event-rg")
    (event,) = events
    assert event["involvedObject"]["uid"] == found["metadata"]["uid"]
    assert event["involvedObject"]["apiVersion"].startswith("resources.azure.com/")
    assert (event["type"], event["reason"]) == ("Warning", "DriftAlert")
    assert 'tags.app: "shop" → "theirs"' in event["message"]
    assert (ended["type"], ended["reason"]) == ("Normal", "DriftAlertEnded")


def _alert_events(web: Web, name: str) -> list[Any]:
    found = web.admin.get(f"/api/v1/namespaces/{web.namespace}/events")["items"]
    ours = [e for e in found if e["involvedObject"]["name"] == name and e["reportingComponent"] == "trueup-alerts"]
    return sorted(ours, key=lambda e: e["reason"])


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Return the real Helm."""
    found = find_helm()
    if isinstance(found, str):
        pytest.skip(found)
    return Helm(found, tmp_path_factory.mktemp("helm"))


@pytest.mark.parametrize("missing", ["", "update secrets", "create secrets", "list driftreports", "get driftreports"])
def test_a_pod_that_only_reports_needs_what_the_chart_gives(
    plane: ControlPlane, web: Web, there: Receiver, tmp_path: Path, helm: Helm, missing: str
) -> None:
    """It tells alerts with the chart's roles; without a verb the log says which, and what follows from it."""
    verb, _, resource = missing.partition(" ")
    sinks = [hook("ours", there.url, tmp_path), {"name": "cluster", "type": "events"}]
    values = {"azureOperatorMode": "watch", "trueup": {"alerts": {"config": {"cluster": "c1", "sinks": sinks}}}}
    operator = f"only-{missing.replace(' ', '-') or 'all'}"
    chart = helm.render(values, namespace=operator)
    settings = chart.only("ConfigMap", "trueup-report-alerts")["data"]["alerts.yaml"]
    path = tmp_path / "alerts.yaml"
    path.write_text(settings)
    roles = [o for o in chart.objects if o["kind"].endswith("Role") and "report-alerts" in o["metadata"]["name"]]
    azure_group = f"{operator}-rg"
    (tmp_path / "maker").mkdir()
    with running(plane, web.azure, tmp_path / "maker", environment=environment(web)) as maker:
        make(web, azure_group)
        maker.stop()
    with running(
        plane,
        web.azure,
        tmp_path,
        "--alerts",
        str(path),
        environment=environment(web, "watch"),
        rights=Rights.REPORT,
        operator=operator,
        more=roles,
        without=(verb, resource),
    ) as pod:
        edit(web, azure_group)
        wait_told(web, there, ([azure_group], []))
        web.wait_for("the event", lambda: _alert_events(web, azure_group))
        if resource == "driftreports":
            web.wait_for("the complaint", lambda: "DriftReports cannot be written" in pod.log.read_text())
            edit(web, azure_group, "shop")
            wait_told(web, there, ([azure_group], []), ([], [azure_group]))
        elif verb == "create":
            web.wait_for("the complaint", lambda: "cannot be written" in pod.log.read_text())
        elif verb == "update":
            edit(web, azure_group, "shop")
            web.wait_for("the complaint", lambda: "cannot be written" in pod.log.read_text())
        else:
            more_passes(web)

    assert ("so that a restart tells alerts again" in pod.log.read_text()) == (resource == "secrets")
    assert list(outboxes(plane.admin, operator)) == ([] if missing == "create secrets" else ["trueup-report-alerts"])


def test_a_killed_replica_is_followed_by_another(
    plane: ControlPlane, admin: Api, azure: Azure, there: Receiver, tmp_path: Path, kinds: None
) -> None:
    """Who takes over the shards tells what is new, and nothing that was told."""
    web = open_web(admin, azure, "alerts")
    path = write(tmp_path, hook("ours", there.url, tmp_path))
    options = ("--alerts", str(path), "--enable-leader-election", "--shards", "2")
    set_up: dict[str, Any] = {"environment": environment(web), "operator": "followed"}
    with running(plane, azure, tmp_path, *options, **set_up) as first:
        make(web, "followed-rg")
        edit(web, "followed-rg")
        wait_told(web, there, (["followed-rg"], []))
        (tmp_path / "second").mkdir()
        with running(plane, azure, tmp_path / "second", *options, **set_up) as second:
            first.kill()
            web.wait_for("the shards", lambda: _held(second) == {"0", "1"})
            more_passes(web)
            edit(web, "followed-rg", "shop")
            web.wait_for("the end", lambda: len(there.got) == 2)

    assert [(firing, ended) for _, firing, ended in told(there)] == [(["followed-rg"], []), ([], ["followed-rg"])]


def _held(pod: Pod) -> set[str]:
    """Return the shards that a pod said are its own now."""
    lines = [json.loads(line).get("text", "") for line in pod.log.read_text().splitlines() if line.startswith("{")]
    return {text.split()[1] for text in lines if text.endswith("is ours now")}
