"""Error handling of the command lines: every failure is one line on standard error and an exit status."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress

from recognition.messages import one_line

FAILED, INTERRUPTED, PIPE_CLOSED = 1, 130, 141  # exit statuses, by the conventions of shells


def run(program: str, command: Callable[[], int], *reported: type[Exception]) -> int:
    """Run `command` and return its exit status, or that of its failure.

    The messages of ValueError, OSError and the exceptions `reported` are written to standard error. That the
    reader of our output stops reading, as `head` does, is not an error.
    """
    try:
        status = command()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        _write_no_more()
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        _report(program, _sentence(error))
    except ModuleNotFoundError as error:
        _report(program, f"this needs {error.name}: pip install {error.name}")
    except (ValueError, *reported) as error:
        _report(program, str(error))
    except (MemoryError, RecursionError):
        _report(program, "a file is too large or nested too deeply to be read.")
    return FAILED


def _report(program: str, problem: str) -> None:
    with suppress(OSError):  # standard error may be closed or full, too
        print(f"{program}: {one_line(problem, 1000)}", file=sys.stderr)
    # What is still in the buffer cannot be written either, and Python would complain when it exits.
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        return
    _write_no_more()


def _sentence(error: OSError) -> str:
    if error.strerror is None:  # raised with a sentence of our own, or by a library
        return str(error)
    name = "the output" if error.filename is None else error.filename
    return f"{name} cannot be written or read: {error.strerror}."


def _write_no_more() -> None:
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
