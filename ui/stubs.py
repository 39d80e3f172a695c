"""Gradio's import without the files for type checkers that Gradio writes beside its own at every start.

For each of its components it parses the source for that, a quarter of all the work until the page is there.
"""

import contextlib
import inspect
from collections.abc import Iterator


@contextlib.contextmanager
def no_stubs() -> Iterator[None]:
    """Within it no .pyi file is written, nor looked at, for a component that is defined."""
    getfile = inspect.getfile

    def of_no_component(defined: object) -> str:
        if hasattr(defined, "EVENTS"):
            raise OSError("Gradio writes no .pyi for a component that is in no file")
        return getfile(defined)

    inspect.getfile = of_no_component
    try:
        yield
    finally:
        inspect.getfile = getfile
