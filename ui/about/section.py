"""Under the tabs: how a program has pictures read, and where the code is."""

from ui.component import component
from ui.server.host import Host

NOTEBOOK = "docs/from_scratch.ipynb"


def build(host: Host) -> None:
    """Lays it out."""
    notebook = f"{host.sources}/{NOTEBOOK}" if host.sources else ""
    component("about/about", [], repository=host.repository, duplicate=host.duplicate, notebook=notebook)
