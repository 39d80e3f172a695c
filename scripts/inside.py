"""What the Inside tab shows and nobody wants to wait for: computed once, and kept in weights/inside/.

    python -m scripts.inside likes digits       # digits.likes.npz: 3 minutes on 2 cores, shared
    python -m scripts.inside likes seed         # seed.likes.npz: 1 minute
    python -m scripts.inside neighbours         # neighbours.npz: 2 minutes

Run them again after the weights changed. Equal weights give equal files.
"""

import argparse

from threadpoolctl import threadpool_limits

from cnn.explain import features
from recognition import Reader, to_input
from recognition.embedding import tsne
from recognition.likes import find_likes, likes_path
from recognition.neighbours import COUNT, NEIGHBOURS, DigitMap
from recognition.reader import SHIPPED
from training.data import load_mnist

PICTURES = 20_000  # of MNIST's training set, among which the favourites are


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["likes", "neighbours"])
    parser.add_argument("network", nargs="?", choices=SHIPPED, help="whose likes")
    options = parser.parse_args()
    if (options.what == "likes") != (options.network is not None):
        parser.error("likes are of a network; the neighbours' map is of digits, always")
    with threadpool_limits(1, user_api="blas"):
        path = write_likes(options.network) if options.what == "likes" else write_map()
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def write_likes(network: str):
    weights = SHIPPED[network]
    find_likes(Reader(weights).model, load_mnist().train_images[:PICTURES]).save(likes_path(weights))
    return likes_path(weights)


def write_map():
    dataset = load_mnist()
    pictures, labels = dataset.test_images[:COUNT], dataset.test_labels[:COUNT]
    places = tsne(features(Reader(SHIPPED["digits"]).model, to_input(pictures)))
    DigitMap(pictures, labels, places).save(NEIGHBOURS)
    return NEIGHBOURS


if __name__ == "__main__":
    main()
