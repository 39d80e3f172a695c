"""Under the tabs: how a program has pictures read, and where the code is."""

from ui.component import component
from ui.server.host import Host


def build(host: Host) -> None:
    """Lays it out."""
    component("about/about", [], repository=host.repository, duplicate=host.duplicate)
