"""One training on several processes, by MPI: each takes its share of every batch.

    mpirun -n 4 python -m training --recipe seed

Every process holds the whole network and draws the same batches with the same augmentation. It computes the
gradient of its share; one Allreduce a step adds the shares up, and then all take the same step, so that the
weights stay the same on all of them, bit for bit. They differ from those of a single process by the order of
the sums, with two exceptions: BatchNorm normalises by the statistics of a process's share, as is usual, and
Dropout draws a mask for each share.

Source: Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel Training", VLDB 2020.
"""

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.trainer import Progress, Trainer

if TYPE_CHECKING:
    from mpi4py.MPI import Comm

# What the launchers of Open MPI, MPICH and Slurm say to each process.
SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE")
POLL = 0.0002  # seconds between two looks whether the others are there, once it takes longer than a step
PATIENCE = 0.01  # seconds of looking without a pause


class RankLostError(RuntimeError):
    """Another process of the training is gone. The last step was not taken, so what there is can be saved."""

    def __init__(self) -> None:
        super().__init__("Another process of this training was lost, so it ends here.")


def processes() -> "Comm | None":
    """MPI's communicator of all processes of this training; None where `mpirun` started no others.

    Raises ValueError, in a sentence, where it did and mpi4py is missing.
    """
    if not any(os.environ.get(name, "1") not in ("", "0", "1") for name in SIZES):
        return None
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise ValueError(
            "Training on several processes needs mpi4py: pip install -r requirements-cluster.txt"
        ) from error
    return MPI.COMM_WORLD if MPI.COMM_WORLD.size > 1 else None


class DataParallel(Trainer):
    """A trainer that shares its batches with those of the other processes."""

    comm: "Comm"
    is_alone = False  # whether another process is gone

    @classmethod
    def of(cls, trainer: Trainer, comm: "Comm") -> "DataParallel":
        """`trainer`, with its model, optimizer and progress, as one of all processes of `comm`."""
        shared = cls.__new__(cls)
        shared.__dict__ |= vars(trainer)
        shared.comm = comm
        size = shared.model.parameters.size + sum(value.size for _, value in shared.model.named_buffers())
        shared._sums = np.zeros(size + 2, shared.model.parameters.dtype)
        return shared

    def run(self) -> Iterator[Progress]:
        """As `Trainer.run`. RankLostError where another process is gone: then no step was begun."""

        def note(*_: object) -> None:
            self.is_alone = True

        before = signal.signal(signal.SIGTERM, note)  # what a launcher sends when a process is gone
        try:
            yield from super().run()
        finally:
            signal.signal(signal.SIGTERM, before)

    def anyone(self, wish: bool) -> bool:
        wishes = np.array([wish], np.int32)
        self.add_up(wishes)
        return bool(wishes[0])

    def save(self, path: str | Path, notes: dict | None = None) -> None:
        """As `Trainer.save`, by the first process alone. RuntimeError where the weights are not all equal."""
        mine = hashlib.sha256(self.model.parameters.tobytes()).digest()
        if len(set(self.comm.allgather(mine))) > 1:
            raise RuntimeError("The processes have different weights, so nothing was saved.")
        self.save_alone(path, notes)

    def save_alone(self, path: str | Path, notes: dict | None = None) -> None:
        """The same without asking the others, which may be gone."""
        if self.comm.rank == 0:
            super().save(path, notes)

    def _fill_gradients(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, int]:
        """One Allreduce of one vector: gradients, running statistics, loss and right answers."""
        own = share_of(len(labels), self.comm.rank, self.comm.size)
        count, model, sums = own.stop - own.start, self.model, self._sums
        loss, right = super()._fill_gradients(images[own], labels[own]) if count else (0.0, 0)
        share = count / len(labels)
        p = model.parameters.size
        np.multiply(model.gradients, share, out=sums[:p])
        start = p
        for _, value in model.named_buffers():
            np.multiply(value.ravel(), share, out=sums[start : start + value.size])
            start += value.size
        sums[start:] = loss * share, right
        self.add_up(sums)
        model.gradients[...] = sums[:p]
        start = p
        for _, value in model.named_buffers():
            value[...] = sums[start : start + value.size].reshape(value.shape)
            start += value.size
        return float(sums[-2]), round(float(sums[-1]))

    def add_up(self, sums: np.ndarray) -> None:
        """sums becomes the sum over all processes. Raises RankLostError where one of them is gone."""
        from mpi4py import MPI

        try:
            request = self.comm.Iallreduce(MPI.IN_PLACE, sums)
            began = time.perf_counter()
            while not request.Test():  # rather than wait in C, where no signal is heard
                if self.is_alone:
                    raise RankLostError
                if time.perf_counter() - began > PATIENCE:
                    time.sleep(POLL)
        except MPI.Exception as error:
            raise RankLostError from error


def share_of(count: int, rank: int, size: int) -> slice:
    """Which of `count` samples the process `rank` of `size` takes: shares differ by one at most."""
    return slice(count * rank // size, count * (rank + 1) // size)
