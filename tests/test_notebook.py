"""docs/from_scratch.ipynb runs from top to bottom, as a student runs it in a clone."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent.parent / "docs" / "from_scratch.ipynb"
PATIENCE = 300  # seconds for a cell, on a machine that does other things
LARGEST = 250_000  # bytes, with its pictures


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own packages
def test_the_notebook_runs_from_top_to_bottom(monkeypatch, tmp_path):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook, timeout=PATIENCE, resources={"metadata": {"path": str(NOTEBOOK.parent)}}
    )
    client.execute()
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))
    right = re.search(r"read right of 2,000 test images: ([\d.]+) %", printed)
    assert float(right[1]) > 90, printed
    assert "your network: 7" in printed
    assert "the best one: 7" in printed
    compared = dict(re.findall(r"^(.{26}) +([\d.]+) %$", printed, re.MULTILINE))
    assert len(compared) == 4
    shares = {name.strip(): float(share) for name, share in compared.items()}
    assert shares["as above"] > shares["a tenth of the pictures"]
    pictures = [
        output.data["image/png"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 5
    assert sum(map(len, pictures)) < LARGEST


def test_the_notebook_is_small_and_valid():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert NOTEBOOK.stat().st_size < LARGEST
    for output in [one for cell in notebook.cells for one in cell.get("outputs", ())]:
        assert output.output_type != "error"


@pytest.mark.parametrize(
    "link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", NOTEBOOK.read_text(encoding="utf-8"))))
)
def test_a_link_of_the_notebook_leads_somewhere(link):
    assert (NOTEBOOK.parent / link).exists()
