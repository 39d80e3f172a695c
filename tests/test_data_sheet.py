"""training/handwriting/README.md, the data sheet: its numbers are the archive's."""

import re
from collections import Counter

import pytest
from huggingface_hub import DatasetCard

from training.handwriting import FOLDER, read_samples

SHEET = DatasetCard.load(FOLDER / "README.md")
SAMPLES = {split: read_samples(split) for split in ("training", "validation")}
EVERYTHING = [sample for samples in SAMPLES.values() for sample in samples]


def _writers(samples):
    return len({(sample.corpus, sample.writer) for sample in samples})


def _number(text):
    return int(text.replace(",", ""))


def test_the_counts_are_the_archives():
    rows = re.findall(r"^\| (\w+) \| (UNIPEN|pendigits) \| ([\d,]+) \|", SHEET.text, re.MULTILINE)
    counted = Counter((sample.kind, sample.corpus) for sample in EVERYTHING)
    assert {(kind, corpus.lower()): _number(count) for kind, corpus, count in rows} == counted
    [(samples, people)] = re.findall(r"([\d,]+) samples\s+by (\d+) people", SHEET.text)
    assert (_number(samples), int(people)) == (len(EVERYTHING), _writers(EVERYTHING))
    assert f": {_writers(SAMPLES['validation'])} people." in SHEET.text
    assert f"the other {_writers(SAMPLES['training'])} measures memory" in SHEET.text
    aligned = sum(sample.is_aligned for sample in EVERYTHING if sample.kind == "string")
    assert f"{aligned} with every stroke's character" in SHEET.text


def test_it_says_what_the_hub_looks_for_in_a_data_set():
    assert SHEET.data.license == "cc-by-4.0"
    assert SHEET.data.task_categories == ["image-classification"]
    assert SHEET.data.size_categories == ["10K<n<100K"]


@pytest.mark.parametrize(
    "title",
    ["Motivation", "Composition", "Collection", "Preprocessing", "Uses", "Distribution and maintenance"],
)
def test_it_has_the_sections_of_a_data_sheet(title):
    assert f"\n## {title}\n" in SHEET.text
