"""``trueup comment`` over HTTP, against a stand-in for the interfaces of three code review systems."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.app.cli import main
from tests.review_server import TOKEN, Reviews, review_server

pytestmark = pytest.mark.loopback
SYSTEMS = ("github", "gitlab", "azure-devops")
SIGNS = ("GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "GITHUB_EVENT_PATH", "GH_TOKEN", "HTTPS_PROXY", "https_proxy")


@pytest.fixture
def reviews(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reviews]:
    """Return an empty pull request, outside of every CI system."""
    for name in SIGNS:
        monkeypatch.delenv(name, raising=False)
    with review_server() as served:
        yield served


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Return a report."""
    path = tmp_path / "plan.md"
    path.write_text("### Trueup plan\n\nfirst")
    return path


def enter(system: str, reviews: Reviews, patch: pytest.MonkeyPatch, **more: str) -> None:
    """Be a job of a system."""
    for name, value in (reviews.variables(system) | more).items():
        patch.setenv(name, value)


@pytest.mark.parametrize("system", SYSTEMS)
def test_one_comment_is_written_again_in_its_place(
    system: str, reviews: Reviews, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first run adds a comment behind all others, the next one changes that one, and other marks have their own."""
    reviews.texts = {n: f"comment {n}" for n in range(1, 231)}
    enter(system, reviews, monkeypatch)

    codes = [main(["comment", str(report)])]
    report.write_text("### Trueup plan\n\nsecond")
    codes += [main(["comment", str(report)]), main(["comment", "--mark", "plan/prod", str(report)])]

    added = {n: text for n, text in reviews.texts.items() if n > 230}
    assert codes == [0, 0, 0]
    assert added == {
        231: "<!-- trueup:plan -->\n### Trueup plan\n\nsecond\n",
        232: "<!-- trueup:plan/prod -->\n### Trueup plan\n\nsecond\n",
    }
    assert all(reviews.texts[n] == f"comment {n}" for n in range(1, 231))


def test_address_of_the_comment_is_printed(
    reviews: Reviews, report: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard output is where the comment can be seen, and nothing else."""
    enter("github", reviews, monkeypatch)

    main(["comment", str(report)])

    assert capsys.readouterr().out == f"{reviews.address}/team/shop/pull/7#issuecomment-1\n"


def test_number_is_the_events_where_the_ref_has_none(
    reviews: Reviews, report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job of pull_request_target, whose ref is the branch, takes the number from its event."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    enter("github", reviews, monkeypatch, GITHUB_REF="refs/heads/main", GITHUB_EVENT_PATH=str(event))

    assert main(["comment", str(report)]) == 0
    assert len(reviews.texts) == 1


@pytest.mark.parametrize("system", SYSTEMS)
def test_refusal_names_the_permission_and_not_the_token(
    system: str, reviews: Reviews, report: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A token that may not comment is an error that says what it needs; no token is ever printed."""
    names = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN", "azure-devops": "SYSTEM_ACCESSTOKEN"}
    enter(system, reviews, monkeypatch, **{names[system]: f"{TOKEN}-other"})

    code = main(["comment", str(report)])
    said = capsys.readouterr()

    assert code == 1
    assert "refused a request" in said.err
    assert "need" in said.err
    assert TOKEN not in said.out + said.err
    assert reviews.texts == {}


def test_wrong_input_is_said_before_anything_is_sent(
    reviews: Reviews, tmp_path: Path, report: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No CI system, no pull request, no token, an odd mark, an empty, missing or too long report: each is an error."""
    empty, long = tmp_path / "empty.md", tmp_path / "long.md"
    empty.write_text("\n")
    long.write_text("x" * 65_530)
    said = []

    def attempt(*arguments: str) -> None:
        assert main(["comment", *arguments]) == 1
        said.append(capsys.readouterr().err)

    attempt(str(report))
    enter("github", reviews, monkeypatch)
    for arguments in ((str(empty),), (str(tmp_path / "none.md"),), (str(long),), ("--mark", "a -->", str(report))):
        attempt(*arguments)
    monkeypatch.setenv("GITHUB_REF", "refs/heads/main")
    attempt(str(report))
    monkeypatch.setenv("GITHUB_TOKEN", "")
    attempt(str(report))

    words = (
        "no CI system",
        "is empty",
        "cannot be read",
        "too long",
        "--mark",
        "no pull request",
        "GH_TOKEN is not set",
    )
    assert all(word in line for word, line in zip(words, said, strict=True)), said
    assert reviews.requests == []


def test_system_that_does_not_answer_is_an_error(
    reviews: Reviews, report: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nobody listens, the error names the address."""
    enter("gitlab", reviews, monkeypatch, CI_API_V4_URL="http://127.0.0.1:9/api/v4")

    assert main(["comment", str(report)]) == 1
    assert "http://127.0.0.1:9/api/v4 does not answer" in capsys.readouterr().err
