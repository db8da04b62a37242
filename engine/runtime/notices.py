"""What a pass has to say once about resources that do not come to rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.compare.returning import describe_return, does_not_converge, is_told
from engine.model.problem import Notice
from engine.planning.finding import Finding


def returned_notices(findings: Iterable[Finding]) -> Iterator[Notice]:
    """Yield a notice per resource whose differences came back after a write, unless an apply said so before."""
    for finding in findings:
        if does_not_converge(finding.diff, finding.baseline) and not is_told(finding.diff, finding.baseline):
            desired = finding.desired
            yield Notice(text=f"{desired.key}: {describe_return(finding.diff)}", origin=desired.origin, key=desired.key)
