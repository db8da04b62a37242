"""Names of inputs, and what they stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.runtime.scope import InputScope, name_path


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("app/a.yaml:12", "app/a.yaml"),
        ("./app/../b.yaml:1", "b.yaml"),
        ("/elsewhere/a.yaml:3", "/elsewhere/a.yaml"),
        ("-:4", "-"),
        ("/dev/fd/63:1", "-"),
        ("/proc/self/fd/9:1", "-"),
        ("a:b.yaml:7", "a:b.yaml"),
        ("cluster", "cluster://host:6443"),
        ("", ""),
    ],
)
def test_a_source_has_the_same_name_on_every_run(
    origin: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are named from the folder that holds the state folder, pipes are standard input, clusters their server."""
    monkeypatch.chdir(tmp_path)

    assert InputScope(base=str(tmp_path), cluster="cluster://host:6443").name_of(origin) == name


def test_files_have_their_name_wherever_the_run_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run from another folder names a file as before."""
    (tmp_path / "app").mkdir()
    monkeypatch.chdir(tmp_path / "app")

    assert [name_path(p, str(tmp_path)) for p in ("a.yaml", ".", "..")] == ["app/a.yaml", "app", "."]


@pytest.mark.parametrize(
    ("roots", "also", "covered"),
    [
        (("app",), (), {"app", "app/a.yaml", "app/deep/b.yaml"}),
        (("app/a.yaml",), (), {"app/a.yaml"}),
        ((".",), (), {"app", "app/a.yaml", "app/deep/b.yaml", "apple/a.yaml"}),
        (("/x",), (), {"/x/a.yaml"}),
        (("-",), (), set()),
        (("-",), ("-",), {"-"}),
        ((), ("app/deep", "/x/a.yaml"), {"app/deep/b.yaml", "/x/a.yaml"}),
        (("cluster://a:1",), (), {"cluster://a:1"}),
    ],
)
def test_an_input_stands_for_what_lies_in_it(roots: tuple[str, ...], also: tuple[str, ...], covered: set[str]) -> None:
    """Whole names of folders count; standard input and what no release noted only where the run says so."""
    every = {
        "app",
        "app/a.yaml",
        "app/deep/b.yaml",
        "apple/a.yaml",
        "/x/a.yaml",
        "-",
        "",
        "cluster://a:1",
        "cluster://b:1",
    }
    scope = InputScope(base="/base", roots=roots, also=also)

    assert {source for source in every if scope.covers(source)} == covered
    assert all(InputScope(roots=roots, also=("*",)).covers(source) for source in every)
