"""One training of a sweep, in whatever process it runs."""

import time
from pathlib import Path

from threadpoolctl import threadpool_limits

from training.data import split_validation
from training.datasets.registry import is_own, load_dataset, load_own
from training.evaluate import evaluate
from training.memory import keep_freed_memory
from training.sweep.plan import Run
from training.trainer import DivergedError, ignore_overflow


def train(run: Run, data: Path | None) -> dict:
    """Train without the validation images and evaluate on them; the test set is not looked at.

    data: as of `python -m training --data`. Returns {"accuracy": 0 to 1, or 0 with "diverged", "seconds"}.
    """
    keep_freed_memory()
    ignore_overflow()
    recipe = run.build()
    if not recipe.can_be_validated:
        raise ValueError(f"the recipe {recipe.name} has no validation images to choose by")
    own = data is not None and is_own(data)
    dataset = load_own(data) if own else load_dataset(recipe.dataset, data)
    recipe = recipe.for_dataset(dataset)
    images, labels, *validation = split_validation(
        dataset.train_images, dataset.train_labels, dataset.validation_size
    )
    began, trained = time.perf_counter(), []
    with threadpool_limits(1, user_api="blas"):
        try:
            for trainer in recipe.phases(images, labels):
                for _ in trainer.run():
                    pass
                trained.append(trainer.result())
            found = {"accuracy": evaluate(recipe.result(trained), *validation).accuracy}
        except DivergedError:
            found = {"accuracy": 0.0, "diverged": True}
    return found | {"seconds": round(time.perf_counter() - began, 1)}
