"""The files for CI systems: they keep their systems' schemas, and their shell parts do what they say."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.review_server import Reviews, review_server
from tests.verbs_desk import Desk, account, group

CI = ROOT / "deploy" / "ci"
FILES = {
    "github/action.yml": "vendor.github-actions",
    "github/example.yml": "vendor.github-workflows",
    "gitlab/trueup.gitlab-ci.yml": "vendor.gitlab-ci",
    "azure-devops/azure-pipelines.yml": "vendor.azure-pipelines",
}
ACTION = yaml.safe_load((CI / "github" / "action.yml").read_text())
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")


@pytest.mark.parametrize(("file", "schema"), FILES.items(), ids=FILES)
def test_file_keeps_the_schema_of_its_system(file: str, schema: str) -> None:
    """Every file is valid by the schema that editors and linters use for it."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(CI / file)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_example_gives_only_inputs_that_the_action_has() -> None:
    """The example's step names inputs and outputs of the action, all that are required among them."""
    text = (CI / "github" / "example.yml").read_text()
    (step,) = [s for s in yaml.safe_load(text)["jobs"]["plan"]["steps"] if "trueup" in s.get("uses", "")]
    required = {name for name, item in ACTION["inputs"].items() if item.get("required")}

    assert required <= set(step["with"]) <= set(ACTION["inputs"])
    assert set(re.findall(r"steps\.plan\.outputs\.(\w+)", text)) <= set(ACTION["outputs"])


def test_no_text_of_others_is_part_of_a_script() -> None:
    """Inputs and outputs reach scripts as variables; an expression inside a script could be made to run."""
    assert all("${{" not in step["run"] for step in ACTION["runs"]["steps"])


@pytest.fixture
def reviews() -> Iterator[Reviews]:
    """Return an empty pull request."""
    with review_server() as served:
        yield served


class Job:
    """Runs the shell parts of CI files as their systems do, with the trueup of this checkout on the path."""

    def __init__(self, desk: Desk, **variables: str) -> None:
        """Make a folder of programs, one of temporary files, and the environment."""
        self.folder = desk.folder
        programs = desk.folder / "programs"
        programs.mkdir()
        trueup = programs / "trueup"
        trueup.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m engine "$@"\n')
        trueup.chmod(trueup.stat().st_mode | stat.S_IXUSR)
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("AZURE_", "GITHUB_", "CI_"))}
        self.environment = {
            **kept,
            **desk.variables(),
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(desk.folder),
            **variables,
        }

    def run(self, script: str, more: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run one script."""
        environment = {**self.environment, **(more or {})}
        return subprocess.run(
            [*BASH, script], capture_output=True, text=True, env=environment, cwd=self.folder, check=False, timeout=120
        )


class GitHubJob(Job):
    """Runs the action's steps in order, with the expressions of their ``env`` filled in."""

    def __init__(self, desk: Desk, reviews: Reviews) -> None:
        """Be a job of a pull request."""
        super().__init__(desk, **reviews.variables("github"))
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
            (desk.folder / name).touch()
            self.environment[name] = str(desk.folder / name)
        self.environment |= {"RUNNER_TEMP": str(desk.folder), "GITHUB_ACTION_PATH": str(CI / "github")}

    @property
    def outputs(self) -> dict[str, str]:
        """Return what the steps put out."""
        lines = Path(self.environment["GITHUB_OUTPUT"]).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def play(self, **inputs: str) -> int:
        """Run all steps; return the code of the first that fails, else 0."""
        given = {name: str(item.get("default", "")) for name, item in ACTION["inputs"].items()} | inputs
        given["token"] = self.environment["GITHUB_TOKEN"]
        for step in ACTION["runs"]["steps"]:
            if "inputs.comment" in step.get("if", "") and given["comment"] != "true":
                continue
            done = self.run(step["run"], {name: self._fill(text, given) for name, text in step.get("env", {}).items()})
            if done.returncode:
                return done.returncode
        return 0

    def _fill(self, text: str, given: Mapping[str, str]) -> str:
        known: dict[str, Any] = {f"inputs.{name}": value for name, value in given.items()}
        known |= {f"steps.plan.outputs.{name}": value for name, value in self.outputs.items()}
        return re.sub(r"\$\{\{ (.*?) \}\}", lambda m: known[m[1]], text)


def write_application(desk: Desk) -> None:
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name))


@pytest.mark.loopback
def test_action_plans_comments_and_succeeds(desk: Desk, reviews: Reviews) -> None:
    """A plan with changes is put out in every format, on the summary and on the pull request; the job succeeds."""
    write_application(desk)
    job = GitHubJob(desk, reviews)

    code = job.play(filename="manifests", arguments=f"--state {desk.state} --verbose")

    folder = Path(job.outputs["folder"])
    assert (code, job.outputs["exitcode"]) == (0, "2")
    assert {p.name for p in folder.iterdir()} == {"plan.json", "plan.md", "plan.html", "plan.sarif", "plan.xml"}
    (comment,) = reviews.texts.values()
    assert comment.startswith("<!-- trueup:plan -->\n### Trueup plan\n")
    assert "2 to create" in comment
    assert "2 to create" in Path(job.environment["GITHUB_STEP_SUMMARY"]).read_text()
    assert desk.azure.writes == []


@pytest.mark.loopback
def test_action_can_fail_on_changes_and_keep_quiet(desk: Desk, reviews: Reviews) -> None:
    """``fail-on-changes`` makes the job fail with 2, and without ``comment`` nothing is written."""
    write_application(desk)
    job = GitHubJob(desk, reviews)

    inputs = {"fail-on-changes": "true", "comment": "false"}
    code = job.play(filename="manifests", arguments=f"--state {desk.state}", **inputs)

    assert code == 2
    assert reviews.requests == []


@pytest.mark.loopback
def test_action_tells_errors_and_fails(desk: Desk, reviews: Reviews) -> None:
    """Manifests that cannot be used fail the job with 1, and the comment says what is wrong."""
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name, skuu="x"))
    job = GitHubJob(desk, reviews)

    code = job.play(filename="manifests", arguments=f"--state {desk.state}")

    assert (code, job.outputs["exitcode"]) == (1, "1")
    assert "skuu" in next(iter(reviews.texts.values()))


@pytest.mark.loopback
def test_action_without_input_fails_without_a_comment(desk: Desk, reviews: Reviews) -> None:
    """Where there is nothing to plan, the job fails and no empty comment is written."""
    job = GitHubJob(desk, reviews)

    assert job.play(filename="nowhere") == 1
    assert reviews.texts == {}


@pytest.mark.loopback
def test_gitlab_job_plans_and_comments(desk: Desk, reviews: Reviews) -> None:
    """The job of GitLab writes its token file, plans, comments, and exits with 2, which it allows."""
    write_application(desk)
    made = yaml.safe_load((CI / "gitlab" / "trueup.gitlab-ci.yml").read_text())["trueup plan"]
    token_file = desk.folder / ".azure-token"
    job = Job(desk, **reviews.variables("gitlab"))
    more = {"TRUEUP_FILENAME": "manifests", "AZURE_ID_TOKEN": "id-token", "AZURE_FEDERATED_TOKEN_FILE": str(token_file)}

    done = job.run("\n".join(made["script"]), more)

    assert done.returncode == 2 == made["allow_failure"]["exit_codes"], done.stderr
    assert token_file.read_text() == "id-token"
    assert "2 to create" in next(iter(reviews.texts.values()))
    wanted = {*made["artifacts"]["paths"], made["artifacts"]["reports"]["junit"]}
    assert all((desk.folder / name).stat().st_size for name in wanted)


@pytest.mark.loopback
def test_azure_pipeline_plans_and_comments(desk: Desk, reviews: Reviews) -> None:
    """The pipeline's plan step succeeds with changes and keeps the exit code; the comment step writes it."""
    write_application(desk)
    steps = yaml.safe_load((CI / "azure-devops" / "azure-pipelines.yml").read_text())["steps"]
    staging = desk.folder / "staging"
    staging.mkdir()
    folder = {"BUILD_ARTIFACTSTAGINGDIRECTORY": str(staging)}
    job = Job(desk, **reviews.variables("azure-devops"), **folder, TRUEUP_FILENAME="manifests")

    planned = job.run(steps[0]["inputs"]["inlineScript"])
    commented = job.run(steps[1]["bash"])

    assert (planned.returncode, commented.returncode) == (0, 0), planned.stderr + commented.stderr
    assert "##vso[task.setvariable variable=exitcode;isOutput=true]2" in planned.stdout
    assert "2 to create" in next(iter(reviews.texts.values()))
    assert (staging / "plan.xml").stat().st_size
