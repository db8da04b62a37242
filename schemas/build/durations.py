"""``python -m schemas.build.durations CORPUS [--out DIR]``: how long operations really took, per type and verb.

The folder holds ``lro.jsonl.xz`` (one line per recorded write, with the numbers of its polls) and ``recordings.tar.xz``
(the exchanges themselves). Dates in bodies of recordings are made up, but the edge of Azure stamps each answer with the
time it came by (``X-Msedge-Ref: ... Ref C: 2026-01-22T17:49:42Z``): the time from the stamp of a write to that of the
poll that saw its end is real, to the second. The recorded client polled when Azure told it to, so ends were seen a
little late. A write that was done at once took as long as its own exchange. Recordings without stamps are left out.
"""

from __future__ import annotations

import argparse
import lzma
import re
import statistics
import sys
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

DATA = Path(__file__).parent.parent / "data"
_VERBS = ("PUT", "DELETE")
_ID = re.compile(rb"^\s+- id: (\d+)\s*$")
_STAMP = re.compile(rb"^\s+- '?Ref A: .* Ref C: (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)'?\s*$")
_TOOK = re.compile(rb"^\s+duration: ([0-9.]+)(ms|s|\xc2\xb5s)\s*$")
_UNITS = {b"s": 1.0, b"ms": 1e-3, b"\xc2\xb5s": 1e-6}
_SAMPLE = tuple[float, int]
"""Seconds and polls of one write."""


class Exchange:
    """When one recorded answer came by, and how long it took."""

    __slots__ = ("at", "took_s")

    def __init__(self) -> None:
        """Start with nothing known."""
        self.at: datetime | None = None
        self.took_s = 0.0


def compile_durations(corpus: Path) -> bytes:
    """Return the data file's content: per type and verb how many writes, their median and slow seconds, their polls.

    ``default`` holds the median and the 90th percentile of the medians of all types.
    """
    samples = _collect(corpus)
    types: dict[str, dict[str, list[float]]] = defaultdict(dict)
    for (name, verb), found in sorted(samples.items()):
        types[name][verb] = _row(found)
    default = {v: _default([row[v] for row in types.values() if v in row]) for v in _VERBS}
    return orjson.dumps({"default": default, "types": types}, option=orjson.OPT_APPEND_NEWLINE)


def _collect(corpus: Path) -> dict[tuple[str, str], list[_SAMPLE]]:
    writes = _writes_by_recording(corpus / "lro.jsonl.xz")
    spelt = Counter(str(row["type"]) for rows in writes.values() for row in rows)
    spelling = {name.lower(): name for name, _ in sorted(spelt.items(), key=lambda kv: kv[1])}
    samples: dict[tuple[str, str], list[_SAMPLE]] = defaultdict(list)
    for name, exchanges in _read_recordings(corpus / "recordings.tar.xz", wanted=writes.keys()):
        for row in writes[name]:
            sample = _measure(row, exchanges)
            if sample is not None:
                samples[spelling[row["type"].lower()], row["method"]].append(sample)
    return samples


def _writes_by_recording(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return writes that succeeded, by recording; a DELETE of what was not there says nothing."""
    out: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with lzma.open(path) as lines:
        for line in lines:
            row = orjson.loads(line)
            if row["outcome"] == "ok" and row["method"] in _VERBS and 200 <= row["code"] < 300:
                out[row["recording"]].append(row)
    return out


def _read_recordings(path: Path, *, wanted: Iterable[str]) -> Iterator[tuple[str, dict[int, Exchange]]]:
    names = frozenset(wanted)
    with tarfile.open(path, mode="r|*") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.name.removeprefix("./") in names else None
            if content is not None:
                yield member.name.removeprefix("./"), read_exchanges(content)


def read_exchanges(lines: Iterable[bytes]) -> dict[int, Exchange]:
    """Return the exchanges of one recording by their numbers, in the form that go-vcr writes since version 2."""
    out: dict[int, Exchange] = {}
    current = Exchange()
    for line in lines:
        if found := _ID.match(line):
            current = out.setdefault(int(found[1]), Exchange())
        elif found := _STAMP.match(line):
            current.at = datetime.fromisoformat(found[1].decode())
        elif found := _TOOK.match(line):
            current.took_s = float(found[1]) * _UNITS[found[2]]
    return out


def _measure(row: Mapping[str, Any], exchanges: Mapping[int, Exchange]) -> _SAMPLE | None:
    """Return seconds and polls of a write; None where the recording does not tell."""
    nothing = Exchange()
    first = exchanges.get(row["i"], nothing)
    polls = row["polls"]
    if not polls:
        return (first.took_s, 0) if first.took_s else None
    last = exchanges.get(polls[-1]["i"], nothing)
    if first.at is None or last.at is None or last.at < first.at:
        return None
    return ((last.at - first.at).total_seconds() + last.took_s, len(polls))


def _row(samples: Sequence[_SAMPLE]) -> list[float]:
    seconds = sorted(s for s, _ in samples)
    polls = statistics.median_low(n for _, n in samples)
    return [len(samples), round(statistics.median(seconds), 1), round(_slow(seconds), 1), polls]


def _default(rows: Sequence[Sequence[float]]) -> list[float]:
    medians = sorted(row[1] for row in rows)
    polls = statistics.median_low(int(row[3]) for row in rows)
    return [0, round(statistics.median(medians), 1), round(_slow(medians), 1), polls]


def _slow(ordered: Sequence[float]) -> float:
    """Return the 90th percentile: the smallest value that nine of ten do not exceed."""
    return ordered[-(-9 * len(ordered) // 10) - 1]


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m schemas.build.durations", description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--out", type=Path, default=DATA)
    args = parser.parse_args(argv)
    size = (args.out / "durations.json").write_bytes(compile_durations(args.corpus))
    print(f"{size} bytes in {args.out / 'durations.json'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
