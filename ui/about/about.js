// What is the same on every tab: the keys that go from one to the next, and under them, the code by which a program has
// pictures read by this very server, and a view that can be read from the last row of a class.

import { followArrowKeys } from "../shared/tabs.js";

const ZOOM = 1.4; // of the projector view
const DONE = 2000; // milliseconds for which a button says that it is done

/** Has the browser fetch the modules that ui/scripts.py leaves for later. */
function fetchOtherTabs() {
  for (const link of document.querySelectorAll("link[data-later]")) {
    Object.assign(link, { href: link.dataset.later, rel: "modulepreload" }); // in this order, or it complains
  }
}

export function mount({ element }) {
  followArrowKeys();
  (window.requestIdleCallback ?? setTimeout)(fetchOtherTabs);
  const address = new URL(".", document.baseURI).href;
  for (const example of element.querySelectorAll(".example")) {
    const snippet = example.querySelector("pre code");
    snippet.textContent = snippet.textContent.replaceAll("@address", address);
    offerCopy(snippet, example.querySelector(".copy"));
  }
  element.querySelector(".projector").addEventListener("click", ({ currentTarget: button }) => {
    const isOn = button.ariaPressed !== "true";
    button.ariaPressed = String(isOn);
    const page = document.querySelector(".gradio-container");
    page.style.setProperty("max-width", isOn ? "none" : "", isOn ? "important" : "");
    page.style.zoom = isOn ? ZOOM : "";
    page.style.setProperty("--zoom", isOn ? ZOOM : 1); // for what is measured by the window's height
    if (isOn) scrollTo({ top: 0 }); // the button is the last thing on the page
  });
}

function offerCopy(snippet, button) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(snippet.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(snippet); // the browser forbids it; it can be copied by hand
      button.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => (button.textContent = label), DONE);
  });
}
