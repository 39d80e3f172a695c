"""Whether a page is laid out: what stands on something else, is squeezed, or reaches beyond the screen."""

from playwright.sync_api import Page

# After the first, whoever observes sizes has been called; before the second, what they changed is laid out.
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

TOUCH = 3  # pixels that two things may share: letters leave more than that free above and below themselves
NARROWEST = 24  # pixels of a button's width: WCAG 2.2, 2.5.8
MOST_LINES = 2  # of the words on a button

# What can be seen, every line of text, picture and control: its name, the element that holds it, its box.
# What lies on something on purpose, such as the frames on the pad, is left out.
_THINGS = """() => {
  const over = `.frames, .ghost, .boxes, .cursor, .invitation, .notice, .plot, .photo img, .progress, .turn,
    .watched, option, footer`;
  const isSeen = (e) => {
    if (e.closest(over)) return false;
    if (!e.checkVisibility({ visibilityProperty: true, opacityProperty: true })) return false;
    for (let box = e; box; box = box.parentElement) // in a box of a pixel is what screen readers read
      if (box.offsetHeight === 1 && getComputedStyle(box).overflow === "hidden") return false;
    return true;
  };
  const page = document.querySelector(".gradio-container");
  const things = [];
  const walker = document.createTreeWalker(page, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.textContent.trim();
    if (!text || !isSeen(node.parentElement)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const { left, top, right, bottom } of range.getClientRects()) {
      const box = [left, top, right, bottom];
      if (right - left > 1) things.push({ name: text, holder: node.parentElement, box });
    }
  }
  const kinds = "canvas, img, button, input, textarea, select, [role=meter]";
  for (const holder of [...page.querySelectorAll(kinds)].filter(isSeen)) {
    const { left, top, right, bottom } = holder.getBoundingClientRect();
    const name = holder.getAttribute("aria-label") || holder.className || holder.textContent.trim();
    things.push({ name: `<${holder.localName}> ${name}`, holder, box: [left, top, right, bottom] });
  }
  return things;
}"""

_OVERLAPS = f"""(touch) => {{
  const things = ({_THINGS})();
  const found = [];
  const share = ({{ box: a }}, {{ box: b }}, axis) =>
    Math.min(a[axis + 2], b[axis + 2]) - Math.max(a[axis], b[axis]);
  things.forEach((one, i) => things.slice(i + 1).forEach((other) => {{
    if (one.holder.contains(other.holder) || other.holder.contains(one.holder)) return;
    if (share(one, other, 0) <= touch || share(one, other, 1) <= touch) return;
    found.push(`${{one.name}} | ${{other.name}}`);
  }}));
  if (things.length < 10) throw Error("there is nothing to measure");
  return found;
}}"""

_SQUEEZED = """([narrowest, mostLines]) => {
  const page = document.querySelector(".gradio-container");
  const found = [];
  const isSeen = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const kinds = "button, [role=tab], label, p, span, h1, h2, legend, figcaption, td, th, summary";
  for (const e of page.querySelectorAll(kinds)) {
    if (!isSeen(e) || e.closest("footer, .plot, .announcement, .boxes, .watched")) continue;
    if (!e.textContent.trim()) continue;
    const { width, height, left, right } = e.getBoundingClientRect();
    if (height <= 1) continue;
    const text = e.textContent.trim().replace(/\\s+/g, " ").slice(0, 40);
    const name = `<${e.localName} ${e.className}> ${text}`;
    if (e.localName === "button" && width < narrowest) found.push(`${name}: ${Math.round(width)} px wide`);
    if (left < -1 || right > innerWidth + 1) found.push(`${name}: beyond the screen`);
    const isBox = getComputedStyle(e).display !== "inline";
    if (isBox && e.scrollWidth > e.clientWidth + 1) found.push(`${name}: wider than its ${e.clientWidth} px`);
    if (e.localName !== "button" || e.matches(".invitation")) continue; // which is the whole frame
    const range = document.createRange();
    range.selectNodeContents(e);
    const rects = [...range.getClientRects()].filter((line) => line.height > 8);
    const lines = new Set(rects.map(({ top }) => Math.round(top / 12))).size;
    if (lines > mostLines) found.push(`${name}: on ${lines} lines`);
  }
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) found.push(`the page is ${wide} px wide`);
  return found;
}"""


def faults_of(page: Page) -> list[str]:
    """What overlaps on the page as it is shown, what is squeezed, and what reaches beyond the screen."""
    page.get_by_text("Loading...", exact=True).first.wait_for(state="hidden")  # Gradio's, at first
    page.evaluate(TWO_FRAMES)
    return page.evaluate(_OVERLAPS, TOUCH) + page.evaluate(_SQUEEZED, [NARROWEST, MOST_LINES])
