"""What a mistyped command line is answered with: the likely meaning, and where to look."""

from __future__ import annotations

import json

import pytest

from engine.app.cli import main
from engine.app.options import checked_subscription
from engine.errors import InvalidSpecError


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plan", "--alow-data-loss"], "did you mean --allow-data-loss? trueup plan --help"),
        (["plan", "--detailed"], "did you mean --detailed-exitcode? trueup plan --help"),
        (["plan", "shop"], "files and folders are named with -f: -f shop"),
        (["plan", "--zzz"], "--zzz (trueup plan --help"),
        (["crds", "render"], "--pattern --from is required (trueup crds render --help"),
        (["history", "a", "b"], "arguments: b (trueup history --help"),
    ],
    ids=[
        "misspelt option",
        "abbreviation",
        "folder without -f",
        "nothing near",
        "option of a sub-verb",
        "verb without -f",
    ],
)
def test_unknown_argument_is_answered_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An argument that nothing takes gives one line with what was probably meant, exit 1."""
    with pytest.raises(SystemExit) as left:
        main(arguments)

    told = capsys.readouterr().err
    assert left.value.code == 1
    assert told.count("\n") == 1
    assert words in told


def test_name_of_a_subscription_is_no_id() -> None:
    """What cannot be a subscription's id is refused before Azure is asked; it need not be given."""
    known = "40a07361-D46B-4de3-aa28-536e99846f59"

    assert checked_subscription(known) == known
    assert checked_subscription("") == ""
    with pytest.raises(InvalidSpecError, match="'Pay as you go' is no subscription id"):
        checked_subscription("Pay as you go")


def test_history_of_an_unknown_object_says_so(capsys: pytest.CaptureFixture[str], tmp_path: object) -> None:
    """An object that no write names is a warning, and so is a state folder that is not there."""
    main(["history", "nothere", "--state", f"{tmp_path}"])
    named = capsys.readouterr().err
    main(["history", "--state", f"{tmp_path}/none", "-o", "json"])
    done = capsys.readouterr()

    assert "no write of 'nothere' is recorded" in named
    assert "there is no state folder" in done.err
    assert json.loads(done.out)["writes"] == []
