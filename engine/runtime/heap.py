"""How the garbage collector runs in a process that makes passes."""

from __future__ import annotations

import gc

_THRESHOLDS = (200_000, 50, 1_000)


def tune_collector() -> None:
    """Keep the collector away from what never dies, and call it rarely.

    Call it once everything is imported. A pass makes many objects that live to its end and hardly any cycles; with
    the default thresholds the collector walks the growing heap again and again, which costs as much as decoding the
    pages. It stays on: results of deepdiff are cyclic.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
