"""How often the pod writes to an object that it creates in Azure, by the API server's own audit log."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import pytest

from benchmarks.audit_log import AuditLog
from tests.apiserver.binaries import find_binaries
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, GROUPS, Pod, Web, is_under_way
from tests.apiserver.pods import RUNTIME, make_pod
from tests.verbs_desk import Azure, account, group

pytestmark = pytest.mark.apiserver

BASELINE = "trueup.dev/baseline"
EVENTS = "create events"
COUNT = 5
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> AuditLog:
    """Return the log of what the pod asks the API server."""
    return AuditLog(tmp_path_factory.mktemp("audit"), f"system:serviceaccount:{RUNTIME}:pod-1")


@pytest.fixture(scope="module")
def plane(audit: AuditLog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Return a cluster that keeps the log."""
    found = find_binaries()
    if isinstance(found, str):
        pytest.skip(found)
    with ControlPlane(found, tmp_path_factory.mktemp("plane"), *audit.options) as running:
        yield running


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, audit: AuditLog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod whose requests are logged."""
    with make_pod(plane, azure, tmp_path_factory.mktemp("pod"), "--observe-period", "3600") as running:
        yield running


@pytest.fixture
def name() -> str:
    """Return a name that nobody else uses."""
    return f"writes{next(_NUMBERS)}"


def written(audit: AuditLog) -> Counter[str]:
    """Return the pod's writes to objects, and of events, until now."""
    return Counter({what: n for what, n in audit.counts().items() if what.startswith(("patch objects", EVENTS))})


def make_group(web: Web, audit: AuditLog, name: str) -> Counter[str]:
    """Create a group; return the pod's writes when all that there is to tell of it was told."""
    before = written(audit)
    web.create(GROUPS, group(name))
    web.wait_ready(GROUPS, name)
    web.wait_for("both events", lambda: (written(audit) - before)[EVENTS] == 2)
    assert (written(audit) - before)["patch objects/status"] == 1
    return written(audit)


def test_a_create_that_is_over_in_a_moment_takes_two_writes_and_an_event(web: Web, audit: AuditLog, name: str) -> None:
    """The claim carries all that is known before the request, the status the rest; the group tells the credential."""
    before, names = make_group(web, audit, name), [f"{name}x{n}" for n in range(COUNT)]

    for one in names:
        web.create(ACCOUNTS, account(one, name))
    found = [web.wait_ready(ACCOUNTS, one) for one in names]

    web.wait_for("the log", lambda: sum((written(audit) - before).values()) >= 3 * COUNT)
    assert written(audit) - before == {"patch objects": COUNT, "patch objects/status": COUNT, EVENTS: COUNT}
    assert {reason for one in names for reason, _ in web.events(one, "StorageAccount")} == {"BeginCreateOrUpdate"}
    assert all(item["metadata"]["annotations"][BASELINE] for item in found)
    assert not any(is_under_way(item) for item in found)


def test_an_operation_that_goes_on_is_written_down_and_told(web: Web, azure: Azure, audit: AuditLog, name: str) -> None:
    """What takes longer than a moment costs its token and the news of it, two writes more."""
    before = make_group(web, audit, name)
    azure.script({"match": {"path_regex": f"(?i)storageaccounts/{name}$"}, "times": None, "polls": 50})

    web.create(ACCOUNTS, account(name, name))
    web.wait_reason(ACCOUNTS, name, "Reconciling")
    assert is_under_way(web.get(ACCOUNTS, name))
    web.wait_ready(ACCOUNTS, name)

    web.wait_for("the log", lambda: sum((written(audit) - before).values()) >= 5)
    assert written(audit) - before == {"patch objects": 2, "patch objects/status": 2, EVENTS: 1}


def test_what_a_create_left_behind_is_remembered_without_a_write_of_its_own(
    web: Web, azure: Azure, pod: Pod, name: str
) -> None:
    """After a restart what left the manifest meanwhile is the user's doing, as it is where the whole memory stands."""
    web.create(GROUPS, group(name))
    for one in (name, f"{name}b"):
        web.create(ACCOUNTS, account(one, name, tags={"team": "shop", "app": "a"}))
        web.wait_ready(ACCOUNTS, one)
    web.patch(ACCOUNTS, f"{name}b", {"spec": {"tags": {"team": "web"}}})
    web.wait_ready(ACCOUNTS, f"{name}b", 2)
    assert ";ready=" in web.get(ACCOUNTS, name)["metadata"]["annotations"][BASELINE]
    assert ";ready=" not in web.get(ACCOUNTS, f"{name}b")["metadata"]["annotations"][BASELINE]
    pod.stop()
    azure.forget_traffic()

    for one in (name, f"{name}b"):
        web.patch(ACCOUNTS, one, {"spec": {"tags": {"app": None}, "accessTier": None}})
    pod.start()
    for one, generation in ((name, 2), (f"{name}b", 3)):
        web.wait_ready(ACCOUNTS, one, generation)

    forms = {line.replace(f"{name}b", "*").replace(name, "*").partition("storageAccounts")[2] for line in azure.writes}
    assert len(azure.writes) == 2
    assert len(forms) == 1


def test_a_restart_writes_and_asks_nothing_about_what_was_created(web: Web, azure: Azure, pod: Pod, name: str) -> None:
    """Operations that Ready ended are not asked for again, and no object is written to."""
    web.create(GROUPS, group(name))
    web.create(ACCOUNTS, account(name, name))
    before = web.wait_ready(ACCOUNTS, name)["metadata"]["resourceVersion"]
    pod.stop()
    azure.forget_traffic()

    pod.start()
    web.wait_for("a full pass", lambda: azure.reads >= 2)
    web.create(GROUPS, group(f"{name}b"))
    web.wait_ready(GROUPS, f"{name}b")

    document = azure.call("GET", "/_emulator/requests")[1]
    assert not [path for path in document["reads"] if "operations" in path.lower() or path.endswith(f"/{name}")]
    assert web.get(ACCOUNTS, name)["metadata"]["resourceVersion"] == before
