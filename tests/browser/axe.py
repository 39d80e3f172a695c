"""axe-core in an open page: what it finds wrong by day, and by night in the colours."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page

SCRIPT = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
ONLY_VIOLATIONS = {"resultTypes": ["violations"]}  # to list all that is right takes most of the time
ALL_RULES = {
    **ONLY_VIOLATIONS,
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {
        "label-content-name-mismatch": {"enabled": True},
        # Gradio's own: its tabs point to panels that it makes only once they are opened.
        "aria-valid-attr-value": {"enabled": False},
    },
}
COLOURS = {**ONLY_VIOLATIONS, "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
RUN = """([part, options]) => axe.run(part, options).then(({ violations }) =>
  violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160))}`))"""
IS_SHOWN = """(isDark) => document.body.classList.contains("dark") === isDark &&
  !document.getAnimations().some((one) => one instanceof CSSTransition)"""


def violations(page: Page, part: str = "html") -> list[str]:
    """What axe finds wrong in the page as it is shown, or in the part of it with this selector.

    Without axe-core, the test that asks is skipped, and fails in CI.
    """
    if not SCRIPT.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("axe-core is not installed: npm ci")
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    found = []
    for scheme, options in (("dark", COLOURS), ("light", ALL_RULES)):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(IS_SHOWN, arg=scheme == "dark")
        found += page.evaluate(RUN, [part, options])
    return found
