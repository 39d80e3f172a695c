"""The names of a network's classes: those of a stranger's file are shown to people, so they are bounded."""

from collections.abc import Sequence

DIGITS = tuple("0123456789")  # the classes of every network that has no names of its own
MOST_CLASSES = 1000
LONGEST_NAME = 40  # characters
MARKUP = "<>&`"
JOINER = "\u200d"  # between the parts of an emoji; the one invisible character that a name may have


def check_class_name(name: str) -> None:
    """Raises ValueError, in words that go on from "the name", for a name that cannot be shown.

    A name has 1 to LONGEST_NAME printable characters, no markup, and no space at its ends.
    """
    if not isinstance(name, str) or not name.strip():
        raise ValueError("must be a text that is not empty")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"has {len(name):,} characters; at most {LONGEST_NAME} are read")
    if name != name.strip() or not name.replace(JOINER, "").isprintable():
        raise ValueError("has invisible characters in it, or spaces at its ends")
    if any(character in name for character in MARKUP):
        raise ValueError(f"must not contain any of {' '.join(MARKUP)}")


def check_class_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names of the classes 0, 1, 2 ... as they are. Raises ValueError, in a clause, for impossible ones.

    There are 2 to MOST_CLASSES of them, no two the same, each as `check_class_name` wants it.
    """
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise ValueError("class names must be a list of texts")
    if not 2 <= len(names) <= MOST_CLASSES:
        raise ValueError(f"there must be 2 to {MOST_CLASSES} classes, got {len(names)}")
    for number, name in enumerate(names):
        try:
            check_class_name(name)
        except ValueError as error:
            raise ValueError(f"the name of class {number} {error}") from None
    if len(set(names)) < len(names):
        twice = next(name for number, name in enumerate(names) if name in names[:number])
        raise ValueError(f"two classes are both named {twice}")
    return tuple(names)
