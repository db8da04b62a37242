"""``trueup``: finds the verb, imports only that verb, turns errors into exit codes."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from engine.app.console import complain
from engine.app.exit_codes import MEANINGS, ExitCode
from engine.app.settings import Settings
from engine.errors import EngineError, InvariantError

VERBS = {
    "plan": "show what apply would do, and send nothing",
    "apply": "make Azure as the manifests say, by the smallest requests",
    "show": "print a saved plan, without Azure and without its input",
    "drift": "show what moved in Azure since the last apply, and who moved it",
    "history": "show what was written to Azure from here, by whom, and what became of it",
    "diff": "compare manifests, snapshots, manifests with Azure, or pairs of bodies; nothing is remembered",
    "snapshot": "save what was read, so that reports can be made again without Azure",
    "explain": "say for one object why each difference counts or does not",
    "alerts": "check who would hear of drift, send a test, list and send again what nobody took",
    "comment": "put a report on the pull request of this CI job",
    "render": "show the ARM requests that manifests turn into, offline",
    "schema": "look up ARM types and ASO kinds",
    "run": "be the pod: keep Azure as the objects of a cluster say",
    "crds": "print, install or compare the CustomResourceDefinitions of ASO's kinds",
    "role": "print the smallest custom role in Azure that a mode needs",
    "emulator": "run Azure Resource Manager on this machine, for tests and trials",
    "demo": "plan, apply, drift and repair an application against the emulator",
    "version": "print the version",
}


class Parser(argparse.ArgumentParser):
    """argparse, with usage errors as exit code 1: 2 means differences.

    Options are taken only as they are spelled: an abbreviation would mean another option as soon as there is one.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """Make a parser that knows no abbreviations; verbs of verbs get one of these, too."""
        super().__init__(*args, **{"allow_abbrev": False, **options})
        self.complain: Callable[[str], None] = complain

    def error(self, message: str) -> NoReturn:
        """Print the message and what was meant, then leave."""
        self.complain(f"{message} ({self._hint(message)}{self.prog} --help shows what there is)")
        self.exit(ExitCode.ERROR)

    def _hint(self, message: str) -> str:
        """Return what an argument that nothing takes probably means; empty when that cannot be told."""
        _, found, words = message.partition("unrecognized arguments: ")
        if not found:
            return ""
        from difflib import get_close_matches

        known = self._option_string_actions
        word = words.split()[0]
        if not word.startswith("-"):
            return f"files and folders are named with -f: -f {word}; " if "--filename" in known else ""
        near = get_close_matches(word.partition("=")[0], known, n=1)
        return f"did you mean {near[0]}? " if near else ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without our signs must not end a run
    arguments = list(sys.argv[1:] if argv is None else argv)
    verb = arguments[0] if arguments else ""
    if verb in VERBS:
        return _run(verb, arguments[1:])
    parser = _overview()
    if verb in ("", "-h", "--help", "help"):
        parser.print_help(sys.stdout if verb else sys.stderr)
        return ExitCode.CLEAN if verb else ExitCode.ERROR
    if verb == "--version":
        return _run("version", [])
    return parser.error(f"unknown verb {verb!r}; verbs: {', '.join(VERBS)}")


def _overview() -> Parser:
    verbs = "\n".join(f"  {name:10} {summary}" for name, summary in VERBS.items())
    codes = "\n".join(f"  {code.value}  {meaning}" for code, meaning in MEANINGS.items())
    return Parser(
        prog="trueup",
        usage="trueup VERB [OPTION ...]      (trueup VERB --help for its options)",
        description="Desired-state engine for Azure: the input is Azure Service Operator objects, unmodified.",
        epilog=f"verbs:\n{verbs}\n\nexit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _run(verb: str, arguments: list[str]) -> int:
    module = importlib.import_module(f"engine.app.commands.{verb}")
    parser = Parser(
        prog=f"trueup {verb}", description=VERBS[verb], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    say = parser.complain = getattr(module, "report_failure", complain)
    module.add_arguments(parser)
    args = parser.parse_args(arguments)
    try:
        return int(module.run(args, Settings.from_environment(os.environ)))
    except InvariantError as exc:
        return _fail(f"a defect of trueup, please report it: {exc}", say)
    except EngineError as exc:
        return _fail(str(exc), say)
    except ExceptionGroup as group:
        return _fail_together(group, say)
    except KeyboardInterrupt:
        return _fail("interrupted", say)
    except BrokenPipeError:
        # The reader left (trueup plan | head); Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.ERROR


def _fail_together(group: ExceptionGroup[Exception], say: Callable[[str], None]) -> int:
    """Print what went wrong side by side, each once; a defect among it is raised as it is."""
    known, defects = group.split(EngineError)
    if known is None or defects is not None:
        raise group
    for message in dict.fromkeys(str(error) for error in _leaves(known)):
        say(message)
    return ExitCode.ERROR


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _fail(message: str, say: Callable[[str], None]) -> int:
    say(message)
    return ExitCode.ERROR
