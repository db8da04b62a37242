"""What is news between two states of a DriftReport, for whoever follows it live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.drift.ledger import describe_ended
from engine.reporting.values import printable


def news_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each finding that came, or became another one, with its places, and for each that ended."""
    namespace = (after or before)["metadata"]["namespace"]
    old = {f["fingerprint"] for f in before.get("findings", ())}
    for finding in after.get("findings", ()):
        if finding["fingerprint"] not in old:
            yield from (printable(line) for line in _lines(namespace, finding))
    known = list(before.get("ended", ()))
    for ended in reversed(after.get("ended", ())):
        if ended not in known:
            yield printable(f"{namespace}/{ended['object']}  {describe_ended(ended['how'])}: {ended['what']}")


def _lines(namespace: str, finding: Mapping[str, Any]) -> Iterator[str]:
    about, by = finding["object"], finding.get("lastModified")
    who = f", last written by {by['by']}" if by else ""
    name = f"{namespace}/{about['kind']}/{about['name']}"
    yield f"{name}  {finding['state'].lower()} ({finding['severity']}) since {finding['since']}{who}"
    for move in finding.get("changes", ()):
        yield f"    {move['place']}: {move['before']} → {move['after']}"
    yield f"    {finding['request']}"
