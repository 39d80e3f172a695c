"""Fashion-MNIST: 70,000 grey pictures of clothes, 28x28, in the form of MNIST.

Source: Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", 2017; MIT licence.
"""

from pathlib import Path

from training.datasets import files
from training.datasets.base import Dataset
from training.datasets.idx import IdxFiles

CACHE = files.CACHE / "fashion-mnist"
INSTALLED = Path("/usr/share/datasets/fashion-mnist")  # of Debian's package dataset-fashion-mnist

# MD5 of the raw IDX content, whatever it came packed in.
FILES = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)
CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def load_fashion_mnist(folder: str | Path | None = None) -> Dataset:
    """60,000 training and 10,000 test pictures; sources, checks and errors as of `load_mnist`.

    Where Debian's package is installed, nothing is fetched.
    """
    found = IdxFiles("Fashion-MNIST", FILES, MIRRORS, (CACHE,), CLASSES, installed=(INSTALLED,))
    return found.load(folder and Path(folder))
