"""The sentences on what a plan costs."""

from __future__ import annotations

from engine.model.plan import Budget, Expectation, Spending
from engine.reporting.spending import about_text, spending_lines
from tests.builders import build_key


def expect(*names: str, **fields: float) -> Expectation:
    """Return an expectation of six minutes."""
    path = tuple(build_key(f"default/StorageAccount/{n}") for n in names)
    values = {"expected_s": 352.0, "slow_s": 650.0, "recordings": 41, "assumed": 0, **fields}
    return Expectation(path=path, **values)  # type: ignore[arg-type]  # counts are whole numbers


def test_duration_says_what_it_rests_on() -> None:
    """The line names the recordings and the longest path."""
    (line,) = spending_lines(Budget(expectation=expect("a", "b")))

    assert line == (
        "Duration: about 6 min, 11 min when Azure is slow (typical operation times from 41 recordings; "
        "longest path: StorageAccount/a -> StorageAccount/b)."
    )


def test_long_path_names_its_ends() -> None:
    """What lies between is counted."""
    (line,) = spending_lines(Budget(expectation=expect("a", "b", "c", "d", "e", "f")))

    assert "StorageAccount/a -> StorageAccount/b -> 2 more -> StorageAccount/e -> StorageAccount/f" in line


def test_duration_without_recordings_claims_none() -> None:
    """Where nothing was recorded the line says so, and never that recordings show it."""
    (line,) = spending_lines(Budget(expectation=expect("a", recordings=0, assumed=1)))

    assert "typical operation times" not in line
    assert "1 of 1 object on it taken for the middle of all types" in line


def test_requests_stand_against_what_azure_grants() -> None:
    """Each kind that is used is counted beside its limit."""
    spending = (
        Spending(kind="writes", requests=1_204, at_once=200, per_s=10.0),
        Spending(kind="deletes", requests=0, at_once=200, per_s=10.0),
        Spending(kind="reads", requests=1, at_once=250, per_s=25.0),
    )

    (line,) = spending_lines(Budget(spending=spending))

    assert line == (
        "Requests: 1,204 writes (Azure takes 200 at once, then 10/s), "
        "about 1 read (Azure takes 250 at once, then 25/s)."
    )


def test_durations_are_rounded_as_people_say_them() -> None:
    """No figure is more exact than what it rests on."""
    told = [about_text(s) for s in (0.2, 4.1, 33, 89, 91, 352, 3_500, 4_700)]

    assert told == ["1 s", "5 s", "40 s", "90 s", "2 min", "6 min", "58 min", "1 h 20 min"]
