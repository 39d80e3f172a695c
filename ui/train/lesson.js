// For a class: ready experiments, a link that opens this tab with the settings of the form, and a view that can be
// read from the last row.

import { linkTo, onLink } from "../shared/address.js";

const ZOOM = 1.4; // of the projector view

/** element: the tab; settings: of settings.js. */
export function mountLesson({ element, settings }) {
  const find = (selector) => element.querySelector(selector);

  for (const button of element.querySelectorAll("[data-experiment]")) {
    button.addEventListener("click", () => {
      settings.fill(new URLSearchParams(button.dataset.experiment));
      find(".of-experiment").textContent = button.dataset.look;
    });
  }
  find(".copy-settings").addEventListener("click", async () => {
    const link = linkTo("train", new URLSearchParams(settings.read()));
    const isCopied = await navigator.clipboard?.writeText(link).then(() => true, () => false);
    find(".of-experiment").textContent = isCopied ? "The link is copied." : `The link: ${link}`;
  });
  find(".projector").addEventListener("click", ({ currentTarget: button }) => {
    const isOn = button.ariaPressed !== "true";
    button.ariaPressed = String(isOn);
    const page = document.querySelector(".gradio-container");
    page.style.setProperty("max-width", isOn ? "none" : "", isOn ? "important" : "");
    element.style.zoom = isOn ? ZOOM : "";
  });
  onLink("train", settings.fill);
}
