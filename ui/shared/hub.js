// The Hugging Face Hub, on the tabs that have something to share. Signing in happens in a page of its own: this one
// would lose what the visitor has if it were left.

import { NO_CONNECTION } from "./wording.js";

const SIGN_IN = "login/huggingface?_target_url=%2F%3Fsigned-in"; // and back to the page, which then closes

/**
 * element: the tab, with the elements of hub.html in it; act: shared/actions.js's; canSignIn: as hub.py has it.
 * load, push: the server's functions for what this tab loads and pushes; loaded: what is said once it is there;
 * hasExamples: whether drawings can go with what is pushed, which they do only if the visitor says so.
 */
export function mountHub({ element, server, act, canSignIn, load, push, loaded, hasExamples = false }) {
  const section = element.querySelector(".hub");
  const find = (selector) => section.querySelector(selector);
  const [loading, pushing] = [find(".fetching"), find(".pushing")];
  let isSigningIn = false;

  function say(sentence, link = null) {
    const report = find(".report");
    report.textContent = sentence;
    report.hidden = sentence === "";
    if (link === null) return;
    const anchor = document.createElement("a");
    report.append(" ", Object.assign(anchor, { href: link, textContent: link, target: "_blank", rel: "noopener" }));
  }

  /** What takes a while: says so, and keeps the form's button off until it is over. */
  function onSubmit(form, sentence, transfer) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      button.disabled = true;
      say(sentence);
      await transfer(form.elements);
      button.disabled = false;
    });
  }

  onSubmit(loading, "Fetching\u2026", async ({ model }) => {
    say((await act(load, { model: model.value })) || loaded);
  });
  onSubmit(pushing, "Pushing\u2026", async ({ name, examples }) => {
    const answer = await server[push]({ name: name.value, examples: examples.checked }).catch(() => undefined);
    if (answer?.address) return say("Pushed:", answer.address);
    say(answer?.error ?? NO_CONNECTION);
    if (answer?.error) showUser();
  });

  find(".with-examples").hidden = !hasExamples;

  /** Asks who is signed in, and offers what they can do. */
  async function showUser() {
    const answer = await server.signed_in(null).catch(() => undefined);
    if (!answer) return;
    const { user } = answer;
    pushing.hidden = !user;
    find(".sign-in").hidden = Boolean(user);
    find(".of-push").textContent = user ? `Yours, to ${user}/` : "";
    if (isSigningIn && !user && window !== window.top) {
      const sentence = "Signed in? Your browser may hide that from a page inside another one. Open this one by itself:";
      say(sentence, location.origin);
    }
    if (user) isSigningIn = false;
  }

  if (!canSignIn) return;
  find(".elsewhere").hidden = true;
  find(".sign-in").addEventListener("click", () => {
    isSigningIn = true;
    window.open(new URL(SIGN_IN, document.baseURI), "_blank");
  });
  // Back from there: this tab is shown again, or the frame that this page may be in gets the focus again.
  document.addEventListener("visibilitychange", () => isSigningIn && !document.hidden && showUser());
  window.addEventListener("focus", () => isSigningIn && showUser());
  if (new URLSearchParams(location.search).has("signed-in")) window.close();
  showUser();
}
