"""How memory is kept in a process that makes passes."""

from __future__ import annotations

import contextlib
import ctypes
import gc
from collections.abc import Iterator

_THRESHOLDS = (200_000, 50, 1_000)
_MMAP_THRESHOLD = -3
_LARGE_BYTES = 128 * 1024


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Collect no garbage while a program is loaded: it makes none, and walking what it makes is a tenth of the work."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def tune_memory() -> None:
    """Collect garbage rarely, and give pages of lists back to the system at once.

    Call it once everything is imported; further calls do nothing.

    1. A pass makes many objects that live to its end and hardly any cycles; with the default
       thresholds the collector walks the growing heap again and again, which costs as much as decoding the pages.
       It stays on: results of deepdiff are cyclic.
    2. glibc learns from the first megabyte that is freed to keep such blocks in the heap, one heap per thread: 20 MiB
       that are never used again. A fixed threshold stops that. Other C libraries have no ``mallopt``.
    """
    if gc.get_threshold() == _THRESHOLDS:
        return
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)


def release_memory() -> None:
    """Give what a pass has freed back to the system before the next one takes memory elsewhere: a millisecond."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
