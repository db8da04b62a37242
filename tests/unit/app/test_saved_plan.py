"""What a saved plan remembers of its command line, and how an apply asks."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path
from typing import Any

import pytest

from engine.app.commands import apply, plan
from engine.app.saved import save_plan
from engine.model.plan import Action
from tests.builders import build_plan, build_step


def run_of(*arguments: str) -> dict[str, Any]:
    """Return what a plan that was made with these options says of them."""
    parser = argparse.ArgumentParser()
    plan.add_arguments(parser)
    run: dict[str, Any] = json.loads(save_plan(build_plan(), parser.parse_args(arguments)))["run"]
    return run


def test_paths_are_saved_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and folders mean the same everywhere; standard input and ConfigMaps of the input are no paths."""
    monkeypatch.chdir(tmp_path)

    run = run_of("-f", "a", "-f", "-", "--ignore", "r.yaml", "--ignore", "configmap/ns/rules", "--kubeconfig", "k")

    assert run == {
        "filename": [f"{tmp_path}/a", "-"],
        "ignore": [f"{tmp_path}/r.yaml", "configmap/ns/rules"],
        "kubeconfig": f"{tmp_path}/k",
        "state": f"{tmp_path}/.trueup",
    }


def test_current_context_is_saved() -> None:
    """``--context`` without a name is an input as well; what was not given is not saved."""
    run = run_of("--context")

    assert run["context"] == ""
    assert set(run) == {"context", "state"}


class Terminal(io.StringIO):
    """Standard input with a person at it."""

    def isatty(self) -> bool:
        """Say that somebody can answer."""
        return True


@pytest.mark.parametrize(("answer", "goes_on"), [("yes\n", True), ("y\n", False), ("", False)])
def test_apply_asks_before_it_sends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, *, goes_on: bool
) -> None:
    """Only 'yes' lets requests go out; the question counts them."""
    monkeypatch.setattr("sys.stdin", Terminal(answer))

    confirmed = apply._confirm(build_plan([build_step(Action.CREATE)]))

    assert confirmed is goes_on
    assert "Send 1 request to Azure? Only 'yes' is taken: " in capsys.readouterr().err
