"""An open page without a browser: what its scripts may ask of the server."""

import base64
import json
import time
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np

from tests import event_loop
from tests.sessions import PATIENCE
from training.settings import Settings
from ui.draw import teach
from ui.signs import tab as signs
from ui.train import tab as train

SHORT = asdict(Settings("small_net", epochs=2, images=600, batch_size=50))
LONG = SHORT | {"epochs": 1000, "batch_size": 8}  # until it is ended
SEVEN = np.zeros((28, 28), np.uint8)
SEVEN[6:9, 8:20] = SEVEN[6:24, 17:20] = 255


def base64_of(picture):
    return base64.b64encode(picture.tobytes()).decode()


class Request:
    """What Gradio gives a server function."""

    def __init__(self, session_hash, address="", site="same-origin", secret=None):
        self.session_hash, self.state = session_hash, SimpleNamespace(address=address)
        self.headers = {"sec-fetch-site": site}
        self.sent = None if secret is None else {"visitor": secret, "payload": None}

    async def json(self):
        return {"session_hash": self.session_hash, "data": self.sent}


class Page:
    """An open page: calls what its scripts may call. secret: the key that its browser stores, if any."""

    def __init__(self, visitors, key, address="", secret=None):
        self.visitors, self.key, self.address, self.secret = visitors, key, address, secret
        self.functions = {
            function.__name__: function
            for function in (
                *visitors.server_functions((*train.ACTIONS, *teach.ACTIONS, *signs.ACTIONS)),
                teach.import_of_examples(visitors),
                signs.addition_of_pictures(visitors),
                visitors.forget,
            )
        }

    def __call__(self, name, payload=None):
        request = Request(self.key, self.address, secret=self.secret)
        answer = event_loop.call(self.functions[name], payload, request)
        assert json.loads(json.dumps(answer, allow_nan=False)) == answer
        return answer

    def wait_for(self, *phases):
        """Watches, as the script does, until one of these phases; returns all that was shown."""
        end = time.monotonic() + PATIENCE
        answers = [self("watch")]
        while answers[-1]["phase"] not in phases:
            assert time.monotonic() < end, answers[-1]
            answers.append(self("watch", answers[-1]["version"]))
        return answers

    def leave(self):
        self.visitors.leave(Request(self.key))
