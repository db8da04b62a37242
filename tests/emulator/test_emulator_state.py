"""What was accepted survives: restarts, crashes, torn lines."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from engine.errors import InvalidSpecError
from engine.runtime.clock import SystemClock
from providers.emulator.options import EmulatorOptions
from providers.emulator.process import emulator_thread
from tests.emulator_driver import NETWORK, Arm


def test_restart_loses_nothing(state: Path) -> None:
    """Resources, etags, tags, identity and subscription are the same after a restart."""
    arm = Arm(EmulatorOptions(state=state))
    network = arm.make_network(arm.make_group(tags={"a": "1"}), subnets=("s",))
    before, identity = arm.get(network, api=NETWORK), arm.emulator.identity
    arm.close()

    arm = Arm(EmulatorOptions(state=state))
    after = arm.get(network, api=NETWORK)
    arm.close()

    assert after == before
    assert arm.emulator.identity == identity


@pytest.mark.loopback
def test_restart_keeps_the_address(state: Path) -> None:
    """Without a port a restart listens where clients know it, or elsewhere when that port is taken by now."""
    options = EmulatorOptions(state=state, plain_http=True)
    with emulator_thread(options, SystemClock()) as first:
        pass
    with emulator_thread(options, SystemClock()) as second:
        pass
    with (
        socket.create_server(("127.0.0.1", urlsplit(first.arm).port)),
        emulator_thread(options, SystemClock()) as third,
    ):
        pass

    assert (second.arm, second.authority) == (first.arm, first.authority)
    assert third.arm != first.arm


def test_everything_answered_is_on_disk(arm: Arm) -> None:
    """A copy of the folder made while the emulator runs holds what was accepted: a crash loses nothing."""
    group = arm.make_group()

    text = (arm.emulator.options.state / "journal.log").read_bytes()

    assert group.encode() in text


def test_torn_last_line_is_left_out(state: Path) -> None:
    """A last line without its end is forgotten and overwritten; what came before is kept."""
    arm = Arm(EmulatorOptions(state=state))
    group = arm.make_group()
    arm.close()
    journal = state / "journal.log"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'R\t["/subscriptions/x')

    arm = Arm(EmulatorOptions(state=state))
    kept = arm.get(group).status
    arm.make_group("second")
    arm.close()

    assert kept == 200
    assert journal.read_bytes().startswith(whole)
    assert b"/subscriptions/x\n" not in journal.read_bytes()


def test_damage_elsewhere_names_the_line(state: Path) -> None:
    """A damaged line in the middle stops the start with file and line: nothing is silently lost."""
    arm = Arm(EmulatorOptions(state=state))
    arm.make_group()
    arm.close()
    journal = state / "journal.log"
    journal.write_bytes(b"rubbish\n" + journal.read_bytes())

    with pytest.raises(InvalidSpecError, match="line 1"):
        Arm(EmulatorOptions(state=state))


def test_one_emulator_per_folder(arm: Arm) -> None:
    """A second emulator on the same folder is refused."""
    with pytest.raises(InvalidSpecError, match="in use"):
        Arm(arm.emulator.options)


def test_journal_is_compacted(state: Path) -> None:
    """A journal that is mostly history is written anew when the emulator starts, and holds the same."""
    arm = Arm(EmulatorOptions(state=state))
    group = arm.make_group()
    arm.close()
    journal = state / "journal.log"
    line = next(x for x in journal.read_bytes().splitlines(keepends=True) if b"resourceGroups" in x)
    journal.write_bytes(line * 30_000)

    arm = Arm(EmulatorOptions(state=state))
    status = arm.get(group).status
    arm.close()

    assert status == 200
    assert journal.stat().st_size < 20 * len(line)
