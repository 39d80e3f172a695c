"""Data-parallel training: mpirun -n 4 python -m training, every rank on its share of each batch.

All ranks prepare the same batches and hold the same weights. The loss of a batch is the mean over its
pictures, so its gradient is the sum of what the shares contribute, and one `Allreduce` of the one gradient
vector makes it the batch's on every rank. Then all take the same step. So the weights are equal bit for bit
on all ranks, which is checked after every epoch, and as those of one process up to the order of sums, but for
batch norm: see `SharedModel`.
"""

import contextlib
import hashlib
import io
import os
import platform
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from cnn import Dropout, Sequential
from cnn.layer import Array
from recognition.command_line import FAILED
from training.cluster_imports import import_for_clusters
from training.trainer import Progress, Trainer

SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")  # what the mpirun of MPICH and of Open MPI set
RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK")
SAVE_EVERY = 60  # seconds: at most so much is lost with a rank
PATIENCE = 2  # seconds after which a rank that failed takes it that the others did not

# Whoever starts the ranks kills them all when it loses one, and none can say anything any more. This does: a
# shell out of mpirun's reach, which prints the last line that it was sent once nobody can send it another.
# mpirun waits for it, as it has a rank's standard error.
LAST_WORDS = """\
while IFS= read -r line; do last=$line; done
[ -z "$last" ] || printf '\\n%s\\n' "$last" >&2
"""


def count_of_ranks() -> int:
    """How many processes mpirun started, 1 without it."""
    return max(int(os.environ.get(name, 1)) for name in SIZES)


class SharedModel(Sequential):
    """A network that several ranks train, each on its share of every batch.

    It takes the whole batch. `forward` puts the logits of all shares together, so that every rank computes
    the loss of the batch, and `backward_params` adds up the gradients of all shares.

    Batch norm takes the mean and the variance of a rank's share, as is usual, since another exchange in
    every layer would cost more than it is worth. Its running statistics are the mean of all ranks', weighted
    by their pictures. Dropout draws other masks than one process would, and others on each rank.
    """

    def __init__(self, model: Sequential, comm) -> None:
        super().__init__(model.name, model.layers, model.input_shape, fast=model.fast, classes=model.classes)
        self.comm, self.in_place = comm, import_for_clusters("mpi4py.MPI").IN_PLACE
        self._share = slice(0)

    def forward(self, x: Array, training: bool = False) -> Array:
        if not training:
            return super().forward(x)
        n, rank, size = len(x), self.comm.rank, self.comm.size
        self._share = slice(n * rank // size, n * (rank + 1) // size)
        own = x[self._share]
        for layer in self.layers:
            if isinstance(layer, Dropout):
                layer.rng = layer.rng.spawn(size)[rank]
        logits = np.zeros((n, *self.output_shape))
        if len(own):
            logits[self._share] = super().forward(own, training=True)
        # Both in one message, in float64: a count of batches must stay a whole number.
        buffers = [value for _, value in self.named_buffers()]
        message = np.concatenate([logits.ravel(), *(len(own) / n * value.ravel() for value in buffers)])
        self.comm.Allreduce(self.in_place, message)
        start = logits.size
        for value in buffers:
            value[...] = message[start : start + value.size].reshape(value.shape)
            start += value.size
        return message[: logits.size].reshape(logits.shape).astype(x.dtype)

    def backward_params(self, dlogits: Array) -> None:
        own = dlogits[self._share]
        if len(own):
            super().backward_params(own)
        else:  # fewer pictures than ranks
            self.gradients[...] = 0
        self.comm.Allreduce(self.in_place, self.gradients)


class Ranks:
    """All processes that mpirun started, as one of them sees them."""

    def __init__(self) -> None:
        self.comm = import_for_clusters("mpi4py.MPI").COMM_WORLD
        self.first = self.comm.rank == 0
        self._failed = self.comm.Dup()  # where no other exchange can be under way
        self._words: subprocess.Popen | None = None

    def share(self, trainer: Trainer, checkpoint: Path) -> "DataParallelTrainer":
        """The trainer whose batches all ranks share. checkpoint: where the first rank saves."""
        return DataParallelTrainer(trainer, self, checkpoint)

    def say_if_lost(self, sentence: str) -> None:
        """Have this printed if this rank is killed, in place of what was to be printed before."""
        if not self.first:
            return
        if self._words is None:
            command = ["sh", "-c", LAST_WORDS]
            self._words = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)
        print(sentence, file=self._words.stdin, flush=True)

    def leave(self) -> None:
        """This rank's end is not a loss."""
        if self._words is not None:
            self._words.communicate("\n")

    def check_equal(self, digest: str, problem: str) -> None:
        """Raise ValueError on all ranks, naming the first whose digest is another than the first rank's."""
        found = self.comm.allgather((digest, platform.node()))
        for rank, (other, host) in enumerate(found):
            if other != found[0][0]:
                raise ValueError(f"Rank {rank} on {host} {problem}")

    def have_all_failed(self) -> bool:
        """Whether all ranks come to ask this within a few seconds."""
        request, until = self._failed.Ibarrier(), time.monotonic() + PATIENCE
        while not (done := request.Test()) and time.monotonic() < until:
            time.sleep(0.01)
        return done


class DataParallelTrainer(Trainer):
    """A trainer that takes the same steps on all ranks. Only the first rank saves."""

    def __init__(self, trainer: Trainer, ranks: Ranks, checkpoint: Path) -> None:
        vars(self).update(vars(trainer))
        self.model = self.optimizer.model = SharedModel(trainer.model, ranks.comm)
        self.ranks, self.checkpoint = ranks, checkpoint

    def run(self) -> Iterator[Progress]:
        """As of every trainer. Raises ValueError if the ranks do not start or stay equal."""
        self.ranks.check_equal(
            _digest(self.images, self.labels, self.model.parameters),
            "starts from other pictures or weights than rank 0: all need the same data, and the same "
            "checkpoint in a folder that they share.",
        )
        self.ranks.say_if_lost("python -m training: A rank was lost before there was a checkpoint.")
        saved = time.monotonic()
        for now in super().run():
            if now.epoch_ends:
                self.ranks.check_equal(
                    _digest(self.model.parameters, *(value for _, value in self.model.named_buffers())),
                    "has other weights than rank 0, so it computes differently: all must be machines of one "
                    "kind. The checkpoint before this epoch's end is as it was.",
                )
            elif time.monotonic() > saved + SAVE_EVERY:
                self.save(self.checkpoint)
                saved = time.monotonic()
            yield now

    def agreed(self, asked: bool) -> bool:
        return any(self.ranks.comm.allgather(asked))

    def save(self, path: str | Path, notes: dict | None = None) -> None:
        if self.ranks.first:
            super().save(path, notes)
            self.ranks.say_if_lost(
                f"python -m training: A rank was lost. To continue from {path}, run the same command with "
                "--resume."
            )


def run_on_all_ranks(command: Callable[[Callable[[], Ranks]], int]) -> int:
    """Run `command` on all ranks and return its exit status. Only what the first rank prints is seen.

    command: takes a function that joins the ranks. If it fails on all of them, as a wrong setting does, the
    first one's sentence is printed; if on some, theirs, and all ranks are ended.
    """
    joined: list[Ranks] = []

    def join() -> Ranks:
        joined.append(Ranks())
        return joined[0]

    is_first = all(os.environ.get(name, "0") == "0" for name in RANKS)
    printed, told = (sys.stdout, sys.stderr) if is_first else (io.StringIO(), io.StringIO())
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(told):
        try:
            status = command(join)
        except Exception:
            traceback.print_exc()
            status = FAILED
    for ranks in joined:
        if status == FAILED and not ranks.have_all_failed():
            if not is_first:
                print(
                    told.getvalue().strip(), f"(rank {ranks.comm.rank}, {platform.node()})", file=sys.stderr
                )
            ranks.comm.Abort(FAILED)
        ranks.leave()
    return status


def _digest(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()
