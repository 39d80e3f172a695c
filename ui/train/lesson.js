// For a class: ready experiments, and a link that opens this tab with the settings of the form.

import { linkTo, onLink } from "../shared/address.js";

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
  onLink("train", settings.fill);
}
