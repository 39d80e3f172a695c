"""Whether the text on a page can be read: WCAG's contrast of every text with what is behind it."""

from playwright.sync_api import Page

Colour = list[float]  # sRGB, 0 to 255

# For every element with text of its own that is visible: its text, colour and the colour behind it, as sRGB.
_TEXTS = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const owns = (e) => [...e.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  return [...document.querySelectorAll(".gradio-container *")]
    .filter((e) => owns(e) && e.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
    .filter((e) => !e.closest("[aria-disabled=true]"))
    .map((e) => [e.textContent.trim(), parse(getComputedStyle(e).color).slice(0, 3), behind(e)]);
}"""


def texts_of(page: Page) -> list[tuple[str, Colour, Colour]]:
    """Every visible text that is not disabled, its colour and the colour behind it."""
    return page.evaluate(_TEXTS)


def contrast(text: Colour, background: Colour) -> float:
    """WCAG 2.2: the contrast ratio of two sRGB colours, 1 to 21."""

    def luminance(colour: Colour) -> float:
        shares = [value / 255 for value in colour]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(text), luminance(background)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def too_pale(texts: list[tuple[str, Colour, Colour]]) -> list[str]:
    """The texts that miss WCAG AA."""
    return [text for text, colour, behind in texts if contrast(colour, behind) < 4.5]
