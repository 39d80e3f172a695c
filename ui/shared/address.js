// Every tab has an address, "#train", and a link can bring something for it, "#train?epochs=3". The fragment is seen by
// no server. Which tab is shown is Gradio's to know: it is read from, and changed by, the tabs' own buttons.

const FOLLOWED = "https://huggingface.co"; // which shows a Space in a frame, and can show its fragment as its own

const AGAIN = 50; // milliseconds until a tab is asked for again: Gradio shows its button before that can do anything
const TRIES = 100; // for a tab that does not come

const receivers = new Map(); // by tab: what is called with the parameters of a link to it

/** {tab, params} of an address's fragment; what follows a slash, "#inside/why", is the tab's own. */
export function parseFragment(fragment) {
  const [path, ...query] = fragment.replace(/^#/, "").split("?");
  return { tab: path.split("/")[0].toLowerCase(), params: new URLSearchParams(query.join("?")) };
}

export const fragmentOf = (tab, params = new URLSearchParams()) => `#${tab}${[...params].length ? `?${params}` : ""}`;

/** The address of a tab of this page, as a link that can be sent to somebody. */
export const linkTo = (tab, params) => location.href.replace(/#.*$/, "") + fragmentOf(tab, params);

/** Of the page's tabs, in their order; the Inside tab's views are tabs too. */
export const tabButtons = () => [...document.querySelectorAll('.tab-container button[role="tab"]')];
const nameOf = (button) => button.textContent.trim().toLowerCase();
export const tabButton = (tab) => tabButtons().find((button) => nameOf(button) === tab);

/** Shows a tab, and what `selector` finds in it once it is there. Does nothing where there is no such tab. */
export function showTab(tab, selector = null) {
  const button = tabButton(tab);
  if (!button) return;
  if (button.ariaSelected !== "true") button.click();
  if (selector === null) return;
  const reveal = () => {
    const element = document.querySelector(selector);
    if (!element?.checkVisibility()) return requestAnimationFrame(reveal);
    element.style.scrollMarginTop = "8px";
    element.scrollIntoView({ block: "start" });
  };
  requestAnimationFrame(reveal);
}

/** receive(params) is called for a link to this tab that brings something, the one that opened the page among them. */
export function onLink(tab, receive) {
  receivers.set(tab, receive);
  handOver();
}

function handOver() {
  const { tab, params } = parseFragment(location.hash);
  if ([...params].length === 0 || !receivers.has(tab)) return;
  setFragment("replaceState", fragmentOf(tab)); // it is taken once, and not again by a reload
  receivers.get(tab)(params);
}

/** method: of `history`. */
function setFragment(method, fragment) {
  history[method](null, "", location.pathname + location.search + fragment);
  if (location.ancestorOrigins?.[0] === FOLLOWED) parent.postMessage({ hash: fragment }, FOLLOWED);
}

let wanted = null; // the tab that the address names, until it is shown

function followAddress() {
  wanted = parseFragment(location.hash).tab || nameOf(tabButtons()[0]);
  openWanted();
  handOver();
}

function openWanted(tries = TRIES) {
  if (wanted === null) return;
  showTab(wanted);
  if (tabButton(wanted)?.ariaSelected === "true" || tries === 0) wanted = null;
  else setTimeout(openWanted, AGAIN, tries - 1);
}

function followTabs() {
  if (wanted !== null) return;
  const selected = tabButtons().find((button) => button.ariaSelected === "true");
  const { tab } = parseFragment(location.hash);
  if (!selected || nameOf(selected) === tab) return;
  if (tab === "" && selected === tabButtons()[0]) return; // as it was opened
  setFragment("pushState", fragmentOf(nameOf(selected)));
}

if (globalThis.document) {
  addEventListener("popstate", followAddress);
  addEventListener("pointerdown", () => (wanted = null)); // a person chooses
  if (location.hash) followAddress();
  const attributes = { attributeFilter: ["aria-selected"], subtree: true };
  new MutationObserver(followTabs).observe(document.body, attributes);
}
