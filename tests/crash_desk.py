"""A world in which the command is killed at one point after the other, and what must hold after each."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from providers.emulator.connection import EmulatorConnection
from tests.conftest import ROOT
from tests.verbs_desk import Azure, Object

KILLED = -9
_MOST_RUNS = 6

Objects = Callable[[str], list[Object]]


@dataclass(frozen=True, kw_only=True)
class Story:
    """What is there, and the change during which the command is killed.

    Attributes:
        before: Objects that are applied beforehand, by the name of their resource group.
        after: Objects as they are to be; None for no earlier apply.
        options: Options of the apply that is killed, and of those that follow.
        points: The least number of points at which it can be killed.
        rules: Faults and operations of the emulator, for paths of the group.
        gone, there: Ids below the group that must not, and must, exist in the end, with their api-version.
    """

    before: Objects | None
    after: Objects
    points: int
    options: tuple[str, ...] = ()
    rules: tuple[Object, ...] = ()
    gone: tuple[tuple[str, str], ...] = ()
    there: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Ended:
    """How one run of the command ended."""

    code: int
    points: list[str]
    output: str


@dataclass
class Launcher:
    """The process that forks a command for each task."""

    process: subprocess.Popen[str]
    environment: dict[str, str]

    def ask(self, task: Object) -> Object:
        """Hand over a task and wait for its end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"environment": self.environment, **task}) + "\n")
        self.process.stdin.flush()
        answer: Object = json.loads(self.process.stdout.readline())
        return answer

    def run(self, folder: Path, *arguments: str, watch: bool = False, kill_at: int = 0) -> Ended:
        """Run a verb on a folder of manifests; ``kill_at`` counts points from 1."""
        state = folder / "state"
        command = [*arguments, "-f", str(folder / "manifests"), "--state", str(state)]
        return Ended(**self.ask({"arguments": command, "state": str(state), "watch": watch, "kill_at": kill_at}))


@contextmanager
def launcher(connection: EmulatorConnection, folder: Path) -> Iterator[Launcher]:
    """Start the process and let it load everything once."""
    environment = {
        "AZURE_RESOURCE_MANAGER_ENDPOINT": connection.arm,
        "AZURE_SUBSCRIPTION_ID": connection.subscription,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash_points"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            made = Launcher(process, environment)
            made.ask({"arguments": ["plan", "-f", str(folder), "--state", str(folder / "state")]})
            yield made
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(20)


@dataclass
class CrashDesk:
    """Plays one story from its beginning for each point of death."""

    story: Story
    launcher: Launcher
    azure: Azure
    folder: Path
    prefix: str
    count: int = 0
    deaths: int = 0
    usual: Counter[str] = field(default_factory=Counter)

    def record(self) -> list[str]:
        """Play the story without a death; return the points and remember what was written."""
        ended = self._play(0)
        assert ended.code == 0, ended.output
        self._finish([])
        self.usual = self._writes()
        return ended.points

    def die_at(self, point: int) -> list[str]:
        """Play the story up to a point of death, start again until all is done, and return what is wrong then."""
        ended = self._play(point)
        self.deaths += ended.code == KILLED
        wrong: list[str] = []
        if ended.code not in (KILLED, 0):
            wrong.append(f"it ended with {ended.code}: {ended.output}")
        self._finish(wrong)
        self._compare_writes(wrong)
        self._check_azure(wrong)
        self._check_state(wrong)
        place = f"{point}: {ended.points[-1]}"
        if not wrong:
            shutil.rmtree(self.folder / self.name)
        return [f"{place}: {text}" for text in wrong]

    @property
    def name(self) -> str:
        """Return the name of the resource group of this play."""
        return f"{self.prefix}{self.count}"

    def _play(self, kill_at: int) -> Ended:
        self.count += 1
        here = self.folder / self.name
        (here / "manifests").mkdir(parents=True)
        self.azure.clear_script()
        if self.story.before is not None:
            self._write(self.story.before)
            done = self.launcher.run(here, "apply", "--yes")
            assert done.code == 0, done.output
        self._write(self.story.after)
        for rule in self.story.rules:
            match = rule["match"]
            path = f"resourcegroups/{self.name}{match['path_regex']}"
            self.azure.script({**rule, "match": {**match, "path_regex": path}})
        self.azure.forget_traffic()
        return self.launcher.run(here, "apply", "--yes", *self.story.options, watch=True, kill_at=kill_at)

    def _write(self, objects: Objects) -> None:
        text = yaml.dump_all(objects(self.name), Dumper=yaml.CSafeDumper)
        (self.folder / self.name / "manifests" / "app.yaml").write_text(text)

    def _finish(self, wrong: list[str]) -> None:
        """Apply until a plan has nothing to do."""
        here = self.folder / self.name
        for _ in range(_MOST_RUNS):
            done = self.launcher.run(here, "apply", "--yes", *self.story.options)
            clean = self.launcher.run(here, "plan", "--detailed-exitcode", *self.story.options)
            if done.code == 0 and clean.code == 0:
                return
            if "defect" in done.output or "Traceback" in done.output:
                break
        wrong.append(f"it does not come to rest: apply {done.code}, plan {clean.code}: {done.output}{clean.output}")

    def _writes(self) -> Counter[str]:
        """Return the writes that Azure took, without the name of the group."""
        _, document = self.azure.call("GET", "/_emulator/requests")
        done = [w for w in document["writes"] if 200 <= w["status"] < 300]
        return Counter(f"{w['method']} {w['path'].lower().replace(self.name, '{}').partition('{}')[2]}" for w in done)

    def _compare_writes(self, wrong: list[str]) -> None:
        """Every write that a run without death makes is made, and made once; a repeated DELETE changes nothing."""
        writes = self._writes()
        for write in sorted(writes | self.usual):
            times, usual = writes[write], self.usual[write]
            if times < usual or (times > usual and not write.startswith("DELETE")):
                wrong.append(f"{write} was sent {times} times instead of {usual}")

    def _check_azure(self, wrong: list[str]) -> None:
        root = f"{self.azure.subscription}/resourceGroups/{self.name}"
        for below, api in self.story.gone:
            if self.azure.get(root + below.format(self.name), api=api) is not None:
                wrong.append(f"{below} is still there")
        for below, api in self.story.there:
            if self.azure.get(root + below.format(self.name), api=api) is None:
                wrong.append(f"{below} is not there")

    def _check_state(self, wrong: list[str]) -> None:
        state = self.folder / self.name / "state"
        names = {p.name for p in state.iterdir()}
        if not names <= {"state.db", "lock", "audit"}:
            wrong.append(f"the state folder holds {names}")
        for line in (state / "audit" / "writes.ndjson").read_text().splitlines() if "audit" in names else ():
            json.loads(line)
        with closing(sqlite3.connect(state / "state.db")) as connection:
            (found,) = connection.execute("PRAGMA integrity_check").fetchone()
            (left,) = connection.execute("SELECT count(*) FROM operations").fetchone()
        if found != "ok" or left:
            wrong.append(f"the state file is {found}, with {left} operations under way")
