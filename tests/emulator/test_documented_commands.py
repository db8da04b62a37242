"""Every command block of the documentation that needs no cluster is run, against the emulator."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.runtime.clock import SystemClock
from providers.emulator.options import EmulatorOptions
from providers.emulator.process import emulator_thread
from tests.walk_folder import make_folder, shell_environment
from tests.walks import Page, all_pages, missing_lines, read_pieces, run_page

_PAGES = all_pages()
_MOST_EXCEPTIONS = 14


@pytest.mark.loopback
@pytest.mark.parametrize("page", [p for p in _PAGES if p.setting == "emulator"], ids=lambda p: p.name)
def test_what_a_page_says_is_what_happens(page: Page, tmp_path: Path) -> None:
    """Each block of the page ends as it says, and prints what the page shows."""
    missing = [name for name in ("bash", "jq") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    folder = make_folder(tmp_path / "checkout")
    with emulator_thread(EmulatorOptions(state=tmp_path / "azure", retry_after_s=0), SystemClock()) as connection:
        wrong = run_page(page, folder, shell_environment(folder, connection.environment()))

    assert wrong == []


@pytest.mark.parametrize("page", _PAGES, ids=lambda p: p.name)
def test_every_page_with_commands_says_where_they_run(page: Page) -> None:
    """A page with a block that is to run names its setting; a page without one names none, or says so."""
    if [piece for piece in page.pieces if not piece.reason]:
        assert page.setting in ("emulator", "cluster")
    else:
        assert page.setting in ("", "none")


def test_what_is_not_run_is_little_and_says_why() -> None:
    """The blocks that no test runs are few, and each gives a reason of some words."""
    reasons = [(page.name, piece.line, piece.reason) for page in _PAGES for piece in page.exceptions]

    assert len(reasons) <= _MOST_EXCEPTIONS
    assert [found for found in reasons if len(found[2].split()) < 4] == []


def test_what_is_shown_must_be_printed_in_order() -> None:
    """Times and ids may differ, lines between may be missing, nothing else."""
    printed = "Plan: 1 to create; 12 s\n/subscriptions/0a0a0a0a-1111-2222-3333-444444444444\nDone"

    assert missing_lines(["Plan:  1 to create; 3 min", "…", "/subscriptions/<subscription>", "Done"], printed) == []
    assert missing_lines(["Done", "Plan: 1 to create; 3 min"], printed) == ["Plan: 1 to create; 3 min"]
    assert missing_lines(["Plan: 2 to create; 12 s"], printed) == ["Plan: 2 to create; 12 s"]


def test_a_block_is_read_with_its_remark_and_its_output() -> None:
    """Commands of a transcript have lines each; a text right after a block is its output; a remark is for one block."""
    text = "<!-- exit: 2 -->\n```sh\nfalse\n```\n\n```text\nno\n```\n"
    text += "```console\n$ a\nb\n$ c\n```\nSo:\n```text\nfree\n```\n"

    found = [(p.commands, p.shown, p.exit) for p in read_pieces(text)]

    assert found == [("false\n", ("no",), 2), ("a\n", ("b",), 0), ("c\n", (), 0)]


@pytest.mark.parametrize("commands", ["false", "echo other", "exit 0"], ids=["code", "output", "ends-the-shell"])
def test_a_page_that_is_wrong_is_found(commands: str, tmp_path: Path) -> None:
    """A command that fails, prints something else, or ends the shell before its time is told with its line."""
    piece = read_pieces(f"```sh\n{commands}\n```\n```text\nshown\n```\n")
    folder = make_folder(tmp_path / "checkout")

    (wrong,) = run_page(Page(folder.parents[0] / "x.md", "emulator", piece), folder, shell_environment(folder, {}))

    assert ":2: " in wrong
