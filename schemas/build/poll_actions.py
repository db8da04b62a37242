"""``python -m schemas.build.poll_actions LRO.jsonl.xz [--out DIR]``: what right it takes to follow a type's operations.

Each recorded write says where its operation was polled; of that address the provider and the types make the action
that Azure checks. Operations below ``locations`` are many words for one thing: they count as one, for any word.
"""

from __future__ import annotations

import argparse
import lzma
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson

DATA = Path(__file__).parent.parent / "data"
_PROVIDERS = "/providers/"


def compile_poll_actions(lines: Iterable[bytes]) -> bytes:
    """Return the data file's content: type in lower case to the actions that its polls took."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for line in lines:
        row = orjson.loads(line)
        if row["type"] and row["poll_path"] and row["code"] < 300:
            action = poll_action(str(row["poll_path"]), str(row["type"]))
            if action:
                found[row["type"].lower()].setdefault(action.lower(), action)
    rows = {name: sorted(actions.values(), key=str.lower) for name, actions in sorted(found.items())}
    return orjson.dumps(rows, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_INDENT_2)


def poll_action(path: str, arm_type: str) -> str:
    """Return the action of a poll; empty where the resource itself is asked."""
    _, found, rest = path.rpartition(_PROVIDERS)
    if not found:
        return f"Microsoft.Resources/subscriptions/{path.strip('/').split('/')[-2]}/read"
    namespace, *segments = rest.strip("/").split("/")
    if segments[0].lower() == "locations":
        return f"{arm_type.partition('/')[0]}/locations/*/read"
    *above, word = segments[:-1]
    types = "/".join((namespace, *above[0::2], word))
    return "" if types.lower() == arm_type.lower() else f"{types}/read"


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m schemas.build.poll_actions", description=__doc__)
    parser.add_argument("writes", type=Path)
    parser.add_argument("--out", type=Path, default=DATA)
    args = parser.parse_args(argv)
    with lzma.open(args.writes) as lines:
        size = (args.out / "poll_actions.json").write_bytes(compile_poll_actions(lines))
    print(f"{size} bytes in {args.out / 'poll_actions.json'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
