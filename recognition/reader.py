"""Reading pictures of digits: the page, the command line and programs all go through `Reader`."""

from functools import cache
from pathlib import Path

import numpy as np

from cnn import Checkpoint, Sequential, load_model, prepare_for_inference
from cnn.layer import Shape
from recognition import photo_reading, pipeline
from recognition.calibration import Calibration
from recognition.classifier import Classifier
from recognition.context import CONTEXT_LOGITS, CONTEXT_SHAPE
from recognition.drawing import check_picture, ink_of_drawing
from recognition.growing import DrawingMemory
from recognition.limits import TooMuchWorkError
from recognition.line_image import LINE_LOGITS, LINE_SHAPE
from recognition.pen_strokes import PenStrokes
from recognition.reading import Reading

WEIGHTS = Path(__file__).parent.parent / "weights"
SHIPPED = {name: WEIGHTS / f"{name}.npz" for name in ("digits", "seed")}
DEFAULT_NETWORK = "digits"  # the most accurate of the networks shipped
DEFAULT_WEIGHTS = SHIPPED[DEFAULT_NETWORK]
CONTEXT_MODEL = WEIGHTS / "rows.npz"  # weights of the network that sees a candidate among others
LINE_MODEL = WEIGHTS / "lines.npz"  # weights of the network that reads a whole line


class Reader:
    """Reads pictures of digits with one network. Safe to share between threads.

    Where there are several components of ink, a second network, the context model, shares in the
    classification, and a third, the line model, reads each word as a whole; all readers have the same two.
    Where the first is in doubt whether a sign is a digit at all, its logits and the context model's are
    averaged for that question. A network that never rejects has neither, because these reject.

    weights: an `.npz` written by `cnn.save_model`, or None for the best network shipped. Raises
    FileNotFoundError or cnn.ModelFileError, saying what is wrong with the file.
    """

    def __init__(self, weights: str | Path | None = None) -> None:
        self.weights = Path(weights or DEFAULT_WEIGHTS)
        self.classifier = classifier_of(load_model(self.weights))

    @property
    def model(self) -> Sequential:
        """The network, its batch norm folded into the layers before."""
        return self.classifier.model

    @classmethod
    def from_pretrained(cls, name: str | Path, **options: object) -> "Reader":
        """A reader with a network of the Hugging Face Hub, "user/model", or of a folder of the same files.

        options: as for `recognition.hub.pull`. Raises recognition.hub.HubError, or as `Reader` does.
        """
        from recognition import hub  # it takes a while to import, and few programs need it

        return cls(hub.pull(name, **options))

    def push_to_hub(self, name: str, **options: object) -> str:
        """Puts the network into the repository `name` of the Hugging Face Hub; returns the commit's address.

        options: as for `recognition.hub.push`. Raises recognition.hub.HubError.
        """
        from recognition import hub

        return hub.push(self.weights, name, **options)

    def read_drawing(
        self, image: np.ndarray, memory: DrawingMemory | None = None, strokes: PenStrokes | None = None
    ) -> Reading:
        """A drawing -> Reading.

        image: uint8; (H, W, 4) pen on transparent or plain paper, (H, W, 3) RGB, or (H, W) grey. memory: of
        earlier pictures of the same drawing, which makes it quicker and changes no answer. strokes: with
        which all of it was drawn, where that is known, so that signs that touch can be told apart. Raises
        TypeError or ValueError, saying what was expected, for anything else.
        """
        return pipeline.read_ink(ink_of_drawing(image), self.classifier, memory, strokes=strokes)

    def read_moving(
        self, image: np.ndarray, memory: DrawingMemory | None = None, strokes: PenStrokes | None = None
    ) -> Reading | None:
        """The same of a drawing whose pen still moves, with less work: None where it is still too much.

        Digits that touch are told apart only where the memory knows them from when the pen rested.
        """
        try:
            ink = ink_of_drawing(image)
            return pipeline.read_ink(ink, self.classifier, memory, moving=True, strokes=strokes)
        except TooMuchWorkError:
            return None

    def read_photo(self, image: np.ndarray, *, may_turn: bool = True) -> Reading:
        """A photo or scan of digits, one or many, in one line or several -> Reading, with its stages.

        Arguments and errors as for `read_drawing`; the ink may be dark on light or light on dark. A photo
        that makes no sense upright is turned, unless it may not be: `Reading.turned` says by how much.
        """
        check_picture(image, "a photo")
        return photo_reading.read_photo(image, self.classifier, may_turn=may_turn)

    def read_ink(self, ink: np.ndarray) -> Reading:
        """Ink (H, W), floating point, 0 paper, 1 full ink -> Reading. Raises as `normalise`, and
        ValueError where it is too large."""
        return pipeline.read_ink(ink, self.classifier)


def classifier_of(checkpoint: Checkpoint) -> Classifier:
    """What a reader with this network decides by. Raises cnn.ModelFileError for an invalid calibration."""
    calibration = Calibration.of(checkpoint)
    model = prepare_for_inference(checkpoint.model)
    if calibration.threshold is None:
        return Classifier(model, calibration, None)
    context_model = _load_shared(CONTEXT_MODEL, CONTEXT_SHAPE, CONTEXT_LOGITS)
    line_model = _load_shared(LINE_MODEL, LINE_SHAPE, LINE_LOGITS)
    return Classifier(model, calibration, context_model, line_model)


@cache
def _load_shared(path: Path, input_shape: Shape, output_shape: Shape) -> Sequential:
    """A model of all readers, ready to read with: the same object every time. Raises as `cnn.load_model`."""
    return prepare_for_inference(load_model(path, input_shape, output_shape).model)
