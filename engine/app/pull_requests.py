"""Which pull request a CI job is about, as the variables of GitHub, GitLab and Azure DevOps say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from engine.app.ci_systems import SIGNS
from engine.app.settings import Settings
from engine.errors import InvalidSpecError
from engine.model.document import Secret
from providers.reviews.comments import AzureDevOps, GitHub, GitLab, PullRequest
from providers.reviews.http import Connection

_PULL_REF: Final = re.compile(r"refs/pull/(\d+)/")


def detect_system(environment: Mapping[str, str]) -> str:
    """Return which system runs this job.

    Raises:
        InvalidSpecError: None that is known.
    """
    for system, sign in SIGNS.items():
        if environment.get(sign):
            return system
    raise InvalidSpecError("no CI system is seen here", hint=f"name it with --on {'|'.join(SIGNS)}")


def open_pull_request(
    system: str, environment: Mapping[str, str], settings: Settings
) -> tuple[PullRequest, Connection]:
    """Return the pull request of this job, and the connection to be closed.

    Raises:
        InvalidSpecError: The job is about none, or a variable is missing.
    """
    return {"github": _github, "gitlab": _gitlab, "azure-devops": _azure}[system](environment, settings)


def _github(environment: Mapping[str, str], settings: Settings) -> tuple[PullRequest, Connection]:
    token = environment.get("GITHUB_TOKEN") or _need(environment, "GH_TOKEN", "set GITHUB_TOKEN to ${{ github.token }}")
    connection = Connection(
        environment.get("GITHUB_API_URL") or "https://api.github.com",
        {"Authorization": Secret(f"Bearer {token}"), "X-GitHub-Api-Version": Secret("2022-11-28")},
        hint="the job needs the permission pull-requests: write",
        ca_file=settings.ca_file,
        proxy=settings.proxy,
    )
    repository = _need(environment, "GITHUB_REPOSITORY")
    return GitHub(connection, repository, _github_number(environment)), connection


def _github_number(environment: Mapping[str, str]) -> int:
    """Return the number of the pull request, from what the event says of it, else from the ref."""
    event = _read_event(environment.get("GITHUB_EVENT_PATH", ""))
    for member in ("pull_request", "issue"):
        found = event.get(member)
        if isinstance(found, dict) and isinstance(found.get("number"), int):
            return int(found["number"])
    match = _PULL_REF.match(environment.get("GITHUB_REF", ""))
    if match is None:
        raise _no_pull_request()
    return int(match[1])


def _read_event(name: str) -> Mapping[str, object]:
    try:
        event = json.loads(Path(name).read_bytes()) if name else {}
    except (OSError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}


def _gitlab(environment: Mapping[str, str], settings: Settings) -> tuple[PullRequest, Connection]:
    token = _need(environment, "GITLAB_TOKEN", "a project access token with the scope api; job tokens may not comment")
    connection = Connection(
        _need(environment, "CI_API_V4_URL"),
        {"PRIVATE-TOKEN": Secret(token)},
        hint="GITLAB_TOKEN needs the scope api and the role Reporter",
        ca_file=settings.ca_file,
        proxy=settings.proxy,
    )
    project, number = _need(environment, "CI_PROJECT_ID"), environment.get("CI_MERGE_REQUEST_IID", "")
    return GitLab(connection, project, _number(number)), connection


def _azure(environment: Mapping[str, str], settings: Settings) -> tuple[PullRequest, Connection]:
    token = _need(environment, "SYSTEM_ACCESSTOKEN", "pass it on: env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)")
    connection = Connection(
        _need(environment, "SYSTEM_COLLECTIONURI"),
        {"Authorization": Secret(f"Bearer {token}")},
        hint="the build service needs the permission Contribute to pull requests",
        ca_file=settings.ca_file,
        proxy=settings.proxy,
    )
    project, repository = _need(environment, "SYSTEM_TEAMPROJECTID"), _need(environment, "BUILD_REPOSITORY_ID")
    number = _number(environment.get("SYSTEM_PULLREQUEST_PULLREQUESTID", ""))
    return AzureDevOps(connection, project, repository, number), connection


def _need(environment: Mapping[str, str], name: str, hint: str = "") -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise InvalidSpecError(f"the variable {name} is not set", hint=hint or "the CI system sets it")
    return value


def _number(text: str) -> int:
    if not text.isdecimal():
        raise _no_pull_request()
    return int(text)


def _no_pull_request() -> InvalidSpecError:
    return InvalidSpecError("this job is about no pull request", hint="run it for pull requests only")
