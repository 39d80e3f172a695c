"""A visitor's own signs and their examples, before and after they are learned: immutable plain values.

Every change makes a new collection, so that whoever shows or learns one is not disturbed. What cannot be done
raises ValueError with a sentence for the visitor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from recognition.normalise import SIZE
from training.own_signs import MAX_SIGNS, OwnSigns, check_name, check_names

GONE = "There is no such sign (any more)."


@dataclass(frozen=True, eq=False)
class Example:
    """A picture of a sign. id: known to the page. image: (28, 28) uint8, normalised ink."""

    id: int
    image: np.ndarray


@dataclass(frozen=True)
class Sign:
    """A sign with its examples. id: known to the page; names may change."""

    id: int
    name: str
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Collection:
    """Signs in the order in which they were named. next_id: of a sign or an example to come."""

    signs: tuple[Sign, ...] = (Sign(1, "heart"), Sign(2, "star"))
    next_id: int = 3

    @classmethod
    def of(cls, signs: OwnSigns, images: np.ndarray, next_id: int) -> "Collection":
        """What `training.sign_files.load_signs` read, under ids from next_id on."""
        first = next_id + len(signs.names)
        examples: list[list[Example]] = [[] for _ in signs.names]
        for i, (image, label) in enumerate(zip(images, signs.labels, strict=True)):
            examples[label].append(Example(first + i, image))
        kept = tuple(Sign(next_id + k, name, tuple(examples[k])) for k, name in enumerate(signs.names))
        return cls(kept, first + len(images))

    @property
    def examples(self) -> tuple[Example, ...]:
        """Of all signs, one sign after the other."""
        return tuple(example for sign in self.signs for example in sign.examples)

    @property
    def is_begun(self) -> bool:
        """Whether there is anything in it that its visitor would miss."""
        return bool(self.examples) or self.signs != Collection.signs

    def with_sign(self, name: str) -> "Collection":
        """One more sign, without examples."""
        name = self._new_name(name)
        if len(self.signs) >= MAX_SIGNS:
            raise ValueError(f"There can be {MAX_SIGNS} signs at most. Delete one first.")
        return replace(self, signs=(*self.signs, Sign(self.next_id, name)), next_id=self.next_id + 1)

    def renamed(self, sign_id: int, name: str) -> "Collection":
        """The same with another name for a sign."""
        sign = self._sign(sign_id)
        return self._with(replace(sign, name=self._new_name(name, but=sign)))

    def without_sign(self, sign_id: int) -> "Collection":
        """The same without a sign and its examples."""
        gone = self._sign(sign_id)
        return replace(self, signs=tuple(sign for sign in self.signs if sign is not gone))

    def with_example(self, sign_id: int, image: np.ndarray, most: int) -> "Collection":
        """One more example. The very picture of an earlier one takes its place: the last word counts.

        image: (28, 28) uint8. most: examples that there may be.
        """
        if not image.any():
            raise ValueError("Please draw something first, and then tell which sign it is.")
        without = self
        for example in self.examples:
            if np.array_equal(example.image, image):
                without = without.without_example(example.id)
        if len(without.examples) >= most:
            raise ValueError(f"There is room for {most} examples. Delete some first.")
        sign = without._sign(sign_id)
        added = replace(sign, examples=(*sign.examples, Example(self.next_id, image)))
        return replace(without._with(added), next_id=self.next_id + 1)

    def without_example(self, example_id: int) -> "Collection":
        """The same without an example."""
        for sign in self.signs:
            kept = tuple(one for one in sign.examples if one.id != example_id)
            if len(kept) < len(sign.examples):
                return self._with(replace(sign, examples=kept))
        raise ValueError("There is no such example (any more).")

    def to_learn(self) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """The images (n, 28, 28), labels (n,) and names for `training.own_signs.learn_signs`."""
        names = check_names([sign.name for sign in self.signs])
        images = [example.image for example in self.examples]
        labels = np.repeat(np.arange(len(names)), [len(sign.examples) for sign in self.signs])
        return np.array(images, np.uint8).reshape(-1, SIZE, SIZE), labels, list(names)

    def _sign(self, sign_id: int) -> Sign:
        for sign in self.signs:
            if sign.id == sign_id:
                return sign
        raise ValueError(GONE)

    def _with(self, changed: Sign) -> "Collection":
        return replace(self, signs=tuple(changed if sign.id == changed.id else sign for sign in self.signs))

    def _new_name(self, name: str, but: Sign | None = None) -> str:
        name = check_name(name)
        if any(sign.name == name for sign in self.signs if sign is not but):
            raise ValueError(f"There is a sign named {name} already.")
        return name


@dataclass(frozen=True)
class Learned:
    """What was learned of a collection.

    collection: as it was then. answers: the class of every example of it, in their order, by networks that
    were not trained on it; a class is a position among its signs, the last "anything else".
    """

    collection: Collection
    answers: tuple[int, ...]

    def is_of(self, now: Collection) -> bool:
        """Whether a collection has the same signs and examples, whatever the signs are called."""
        return _ids(self.collection.signs) == _ids(now.signs)

    def names(self, now: Collection) -> tuple[str, ...]:
        """What the signs that were learned are called now; those that were deleted, as before."""
        today = {sign.id: sign.name for sign in now.signs}
        return tuple(today.get(sign.id, sign.name) for sign in self.collection.signs)


def _ids(signs: Sequence[Sign]) -> list[tuple[int, list[int]]]:
    return [(sign.id, [example.id for example in sign.examples]) for sign in signs]
