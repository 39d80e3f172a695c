"""The packages of requirements-cluster.txt, which nothing else needs."""

import importlib
from types import ModuleType


def import_for_clusters(name: str) -> ModuleType:
    """The module of that name. Raises ValueError, with what to install, if it cannot be imported."""
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError) as error:  # mpi4py raises the latter where there is no MPI
        raise ValueError(
            f"this needs {name.split('.')[0]}: pip install -r requirements-cluster.txt"
        ) from error
