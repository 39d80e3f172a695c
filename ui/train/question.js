// A question before something that cannot be undone. The browser's own `confirm` shows nothing in a frame of another
// site, as on a Space.

/**
 * dialog: a <dialog> with `.question` and a form of two buttons, whose values are "yes" and "no". Resolves to whether
 * it was "yes".
 */
export function ask(dialog, { question, yes, no = "Keep it" }) {
  const find = (selector) => dialog.querySelector(selector);
  find(".question").textContent = question;
  find("[value=yes]").textContent = yes;
  find("[value=no]").textContent = no;
  dialog.returnValue = "no"; // also of Escape
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
