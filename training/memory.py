"""Settings of glibc's allocator that suit trainings and long-running apps better than its defaults."""

import ctypes

# Parameters of glibc's mallopt(3).
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -2, -3, -8


def keep_freed_memory() -> bool:
    """Have glibc keep freed memory for reuse. Returns False, harmlessly, on other C libraries.

    A training step allocates and frees the same few hundred arrays over and over. By default glibc returns
    the larger ones to the system each time, and on a virtual machine a fresh page can cost more than the
    arithmetic done in it.
    """
    return _set({M_ARENA_MAX: 1, M_MMAP_THRESHOLD: 32 << 20, M_TRIM_THRESHOLD: 1 << 30, M_TOP_PAD: 64 << 20})


def share_freed_memory() -> bool:
    """Have all threads share two of glibc's heaps. Returns False, harmlessly, on other C libraries.

    By default each of the threads that read drawings has its own heap, which keeps all memory that it ever
    used, so an app with visitors grows for hours.
    """
    return _set({M_ARENA_MAX: 2})


def return_freed_memory() -> bool:
    """Have glibc return to the system what is free now. Returns False, harmlessly, on other C libraries."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError, TypeError):
        return False
    return True


def _set(settings: dict[int, int]) -> bool:
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    return all([mallopt(name, value) for name, value in settings.items()])
