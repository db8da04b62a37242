"""Compiles ``data/styles.json``: how each type answers a write, and where a long-running operation is polled.

``python -m providers.emulator.build.styles LRO.jsonl.xz`` reads one recorded write per line. A row holds, for create,
update and delete, the most frequent ``[status, headers, body, state, retryAfter]``: headers ``a`` is
Azure-AsyncOperation, ``l`` Location, ``s`` a Location that names the resource itself. ``poll`` is the word before an
operation's id, ``running`` what its status says until it ends.
"""

from __future__ import annotations

import collections
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from providers.emulator.build.tables import compile_file

_ENDED = frozenset({"Succeeded", "Failed", "Canceled"})
_POLL_WORD = re.compile(r"/([A-Za-z]+)/\{id\}$")


def compile_table(lines: Iterator[bytes]) -> dict[str, Any]:
    """Return type in lower case to its row."""
    seen: dict[str, dict[str, collections.Counter[bytes]]] = collections.defaultdict(
        lambda: collections.defaultdict(collections.Counter)
    )
    written: set[tuple[str, str]] = set()
    for line in lines:
        row = orjson.loads(line)
        if row["code"] >= 400 or not row["type"] or row["method"] not in ("PUT", "DELETE"):
            continue
        known = (row["recording"], row["id"].lower())
        verb = "delete" if row["method"] == "DELETE" else "update" if known in written else "create"
        written.add(known)
        seen[row["type"].lower()][verb][orjson.dumps(_style(row))] += 1
        for said in {str(poll["status"]) for poll in row["polls"] if poll.get("status")} - _ENDED:
            seen[row["type"].lower()]["running"][orjson.dumps(said)] += 1
        if word := _POLL_WORD.search(row["poll_path"] or ""):
            seen[row["type"].lower()]["poll"][orjson.dumps(word[1])] += 1
    return {name: _row(verbs) for name, verbs in sorted(seen.items())}


def _style(row: Mapping[str, Any]) -> list[Any]:
    headers = "".join(h[0] for h in sorted(row["headers"]))
    if row["location_is_self"]:
        headers = headers.replace("l", "s")
    state = row["state"] if row["state_at"] == "properties" else None
    retry = int(row["retryAfter"]) if row["retryAfter"] else None
    return [row["code"], headers, bool(row["has_body"]), state, retry]


def _row(verbs: Mapping[str, collections.Counter[bytes]]) -> dict[str, Any]:
    return {verb: orjson.loads(_first(counter)) for verb, counter in sorted(verbs.items())}


def _first(counter: collections.Counter[bytes]) -> bytes:
    return min(counter.items(), key=lambda item: (-item[1], item[0]))[0]


if __name__ == "__main__":
    sys.stdout.write(compile_file(sys.argv[1], "styles.json", compile_table) + "\n")
