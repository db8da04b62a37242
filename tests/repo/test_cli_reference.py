"""The command line's reference names what the command line has."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

import pytest

from engine.app.cli import VERBS
from engine.app.exit_codes import MEANINGS

REFERENCE = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text()


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """Return the long options of a parser and of its sub-commands."""
    found = set()
    for action in parser._actions:
        found.update(o for o in action.option_strings if o.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                found |= options_of(sub)
    return found - {"--help"}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_option_is_in_the_reference(verb: str) -> None:
    """A verb or an option that docs/cli.md does not name is not finished."""
    parser = argparse.ArgumentParser()
    importlib.import_module(f"engine.app.commands.{verb}").add_arguments(parser)

    missing = {
        option for option in options_of(parser) if f"{option} " not in REFERENCE and f"{option}`" not in REFERENCE
    }

    assert f"| `{verb}` |" in REFERENCE
    assert missing == set()


def test_every_exit_code_is_in_the_reference() -> None:
    """The reference lists the exit codes that there are."""
    assert all(f"| {code.value} |" in REFERENCE for code in MEANINGS)
