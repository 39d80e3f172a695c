"""Memory that was used once is kept for the next step instead of being given back to the system."""

import ctypes

# Parameters of glibc's mallopt(3).
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -2, -3, -8


def keep_freed_memory() -> bool:
    """Ask the C library to reuse freed memory; False where it cannot be asked, which does no harm.

    A training step frees and takes the same few hundred arrays over and over. By default glibc returns the
    larger ones to the system each time, and on a virtual machine a fresh page can cost more than the
    arithmetic done in it.
    """
    return _set({M_ARENA_MAX: 1, M_MMAP_THRESHOLD: 32 << 20, M_TRIM_THRESHOLD: 1 << 30, M_TOP_PAD: 64 << 20})


def share_freed_memory() -> bool:
    """Ask the C library to let all threads share two heaps; False where it cannot be asked.

    By default each of the threads that read drawings has one of its own, which keeps what it once took: an
    app with visitors grows for hours.
    """
    return _set({M_ARENA_MAX: 2})


def _set(settings: dict[int, int]) -> bool:
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    return all([mallopt(name, value) for name, value in settings.items()])
