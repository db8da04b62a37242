"""A sign of life for what takes long."""

from __future__ import annotations

import asyncio
import io

import pytest

from engine.app.progress import watch
from tests.fakes import FakeClock


class Screen(io.StringIO):
    """Standard error, as a terminal or not."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


async def work(rounds: int) -> str:
    for _ in range(rounds):
        await asyncio.sleep(0)
    return "done"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_long_work_is_announced_on_terminals_only(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> None:
    """A person at a terminal sees that something goes on; a log file does not."""
    screen, clock = Screen(is_terminal=is_terminal), FakeClock()
    monkeypatch.setattr("sys.stderr", screen)

    result = asyncio.run(watch(work(6), lambda: "reading 3 resources in Azure ...", clock))

    assert result == "done"
    assert ("reading 3 resources in Azure ...\n" in screen.getvalue()) is is_terminal
    assert clock.slept[:2] == ([1.0, 10.0] if is_terminal else [])


def test_nothing_is_printed_when_there_is_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two steps an apply has nothing to wait for, and says nothing."""
    screen = Screen(is_terminal=True)
    monkeypatch.setattr("sys.stderr", screen)

    asyncio.run(watch(work(6), str, FakeClock()))

    assert screen.getvalue() == ""


def test_error_of_the_work_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watching changes nothing about how work fails."""
    monkeypatch.setattr("sys.stderr", Screen(is_terminal=True))

    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(watch(fail(), str, FakeClock()))
