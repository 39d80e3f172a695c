"""Reading a drawing that grows: what is remembered of its last pictures, so that it is not worked out again.

Most of what a page sends is a picture that differs from the last one in a few pixels. The networks are given
only the images that they have not seen in this drawing, which changes no answer: the same image has the same
logits.
"""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

import numpy as np

from cnn import Sequential
from recognition.classifier import Classifier
from recognition.components import Components

MOST_IMAGES = 200  # images of one drawing whose logits are kept: a number of ten digits has about 100
MOST_DRAWINGS = 200  # drawings that are remembered
MOST_CUT = 50  # components of one drawing that are known to have been cut

UPRIGHT = (0.0,)  # shears at which the context model sees a candidate while the pen moves


class DrawingMemory:
    """What was worked out for one drawing: some 50 kB. One reading at a time may use it."""

    def __init__(self) -> None:
        self._logits: OrderedDict[bytes, np.ndarray] = OrderedDict()  # the one used longest ago stands first
        self._cut: OrderedDict[bytes, None] = OrderedDict()
        self._model: Sequential | None = None

    def remembering(self, classifier: Classifier) -> Classifier:
        """The same classifier, which asks its networks only for what is not remembered."""
        if self._model is not classifier.model:  # another network reads, or this one was taught
            self._model = classifier.model
            self._logits.clear()
        return _Remembering(**vars(classifier), memory=self)

    def logits(self, images: np.ndarray, classify: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """What `classify` says of images (N, ...): (N, K)."""
        keys = [blake2b(image.tobytes(), digest_size=16).digest() for image in images]
        new = [index for index, key in enumerate(keys) if key not in self._logits]
        found = {key: self._logits.pop(key) for key in dict.fromkeys(keys) if key in self._logits}
        if new:
            found |= zip((keys[index] for index in new), classify(images[new]), strict=True)
        self._logits |= found
        while len(self._logits) > MOST_IMAGES:
            self._logits.popitem(last=False)
        return np.stack([found[key] for key in keys])

    def note_cut(self, components: Components, component_id: int) -> None:
        """Remembers that this component may be several digits."""
        self._cut[_shape_of(components, component_id)] = None
        if len(self._cut) > MOST_CUT:
            self._cut.popitem(last=False)

    def was_cut(self, components: Components, component_id: int) -> bool:
        """Whether there was a component of this very shape in the drawing that may be several digits."""
        return _shape_of(components, component_id) in self._cut


class DrawingMemories:
    """The memories of the drawings that grew last, by whatever names them."""

    def __init__(self) -> None:
        self._memories: OrderedDict[str, DrawingMemory] = OrderedDict()

    def of(self, name: str) -> DrawingMemory:
        memory = self._memories.pop(name, None) or DrawingMemory()
        self._memories[name] = memory
        if len(self._memories) > MOST_DRAWINGS:
            self._memories.popitem(last=False)
        return memory


class _Remembering(Classifier):
    """A classifier that remembers its answers about one drawing."""

    def __init__(self, *, memory: DrawingMemory, **networks: object) -> None:
        super().__init__(**networks)
        self.memory = memory

    def logits(self, images: np.ndarray) -> np.ndarray:
        return self.memory.logits(images, super().logits)

    def logits_in_context(self, images: np.ndarray) -> np.ndarray:
        return self.memory.logits(images, super().logits_in_context)

    def read_line(self, line: np.ndarray) -> np.ndarray:
        read = super().read_line
        return self.memory.logits(line[None], lambda lines: read(lines[0])[None])[0]


def _shape_of(components: Components, component_id: int) -> bytes:
    x, y, width, height = components.boxes[component_id]
    mask = components.labels[y : y + height, x : x + width] == component_id
    return blake2b(np.packbits(mask).tobytes() + bytes(f"{width}", "ascii"), digest_size=16).digest()
