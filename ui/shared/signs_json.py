"""A visitor's own signs as the JSON that the page's scripts show.

Pictures are left out: a page asks for those that it does not have, by the ids of their examples.
"""

from jobs.own_signs import SignKeeper
from jobs.sign_collection import Collection, Learned


def signs_json(keeper: SignKeeper) -> dict:
    """{signs: [{id, name, examples: [ids]}], most, is_begun, can_undo, is_learning, trouble, learned}.

    learned: null, or {names, is_current, examples: [[id, class, the class that it was taken for]]}; a class
    is a position in `names`, or the next one for anything else. most: examples that there may be.
    """
    signs, learned = keeper.signs, keeper.learned
    return {
        **_collection(signs),
        "most": keeper.most_sign_examples,
        "can_undo": keeper.can_undo_signs,
        "is_learning": keeper.is_learning_signs,
        "trouble": keeper.sign_trouble,
        "learned": learned and _learned(learned, signs),
    }


def _collection(signs: Collection) -> dict:
    return {
        "signs": [
            {"id": sign.id, "name": sign.name, "examples": [example.id for example in sign.examples]}
            for sign in signs.signs
        ],
        "is_begun": signs.is_begun,
    }


def _learned(learned: Learned, now: Collection) -> dict:
    ids = [example.id for example in learned.collection.examples]
    classes = [k for k, sign in enumerate(learned.collection.signs) for _ in sign.examples]
    return {
        "names": list(learned.names(now)),
        "is_current": learned.is_of(now),
        "examples": [list(row) for row in zip(ids, classes, learned.answers, strict=True)],
    }


# Of a visitor who has nothing yet.
NO_SIGNS = {
    **_collection(Collection()),
    "most": 0,
    "can_undo": False,
    "is_learning": False,
    "trouble": "",
    "learned": None,
}
