"""Answers to photos that tests make up, and what the page makes of them."""

import base64
import csv
import io
import json

from PIL import Image

from tests.browser.driver import data_url
from ui.photo.tab import EXAMPLES, EXAMPLES_FOLDER

READING = "**/component_server**"
RULED = EXAMPLES_FOLDER / "ruled.jpg"
RULED_SAYS = "4719\n20586\n3341"
NOTHING = "No digits were found in this photo."


def answer_to(*lines, **changes):
    """What the server would answer to a photo with these digits, one string a line."""
    digits = []
    for line, written in enumerate(lines):
        for place, character in enumerate(written):
            digit = None if character == "?" else int(character)
            probs = [0.0] * 10
            probs[digit or 0] = 0.97
            digits.append(
                {
                    "digit": digit,
                    "confidence": 0.97,
                    "probs": probs,
                    "shares": [0.0] * 10 + [1.0] if digit is None else [*probs, 0.03],
                    "box": [10 + 12 * place, 10 + 20 * line, 8, 12],
                    "line": line,
                    "picture": base64.b64encode(bytes(784)).decode(),
                }
            )
    file = io.BytesIO()
    Image.new("L", (120, 80), 200).save(file, "PNG")
    photo = data_url(file.getvalue())
    shared = ("confidence", "box", "line")
    symbols = [
        {"symbol": "?" if one["digit"] is None else str(one["digit"]), "column": None}
        | {name: one[name] for name in shared}
        for one in digits
    ]
    return {
        "text": "\n".join(lines),
        "message": "",
        "turned": 0,
        "cells": None,
        "symbols": symbols,
        "digits": digits,
        "width": 120,
        "height": 80,
        "photo": photo,
        "stages": [{"name": "Grey", "picture": photo}],
    } | changes


def show(tab, answer):
    """The server answers this, whatever it is asked; and it is asked."""
    body = json.dumps(answer)
    tab.page.route(READING, lambda route: route.fulfill(body=body, content_type="application/json"))
    tab.page.get_by_role("button", name=f"Example: {EXAMPLES[0].title}").click()
    if "error" not in answer:
        tab.settle()


def downloaded(tab):
    """The rows of the CSV file, as a program reads it."""
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename == "digits.csv"
    with download.value.path().open(newline="") as file:
        return list(csv.DictReader(file))


def labels_of(tab):
    return tab.boxes.locator("span").all_inner_texts()
