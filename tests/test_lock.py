"""`requirements.lock` is of these `requirements.txt`, and names a hash for everything."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def _pins(text):
    return {name.lower().replace("_", "-").replace(".", "-"): version for name, version in PIN.findall(text)}


def test_everything_that_is_required_is_locked_at_the_same_version():
    required = _pins((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    assert len(required) > 8
    assert required.items() <= _pins(LOCK).items()


def test_everything_locked_has_a_hash_and_no_address():
    entries = re.split(r"\n(?=\S)", LOCK.split("\n", 2)[2].strip())
    assert len(entries) > 40
    assert all(PIN.match(entry) and "--hash=sha256:" in entry for entry in entries)
    assert "://" not in LOCK
