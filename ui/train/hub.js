// The Hugging Face Hub, on the Train tab. Signing in happens in a page of its own: this one would lose the visitor's
// network if it were left.

import { NO_CONNECTION } from "../shared/wording.js";

const SIGN_IN = "login/huggingface?_target_url=%2F%3Fsigned-in"; // and back to the page, which then closes

/** element: the tab, with the elements of hub.html in it; act: shared/actions.js's; canSignIn: as hub.py has it. */
export function mountHub({ element, server, act, canSignIn }) {
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
    const failure = await act("load_from_hub", { model: model.value });
    say(failure || "Loaded. It is tested now; then press Use this network.");
  });
  onSubmit(pushing, "Pushing\u2026", async ({ name }) => {
    const answer = await server.push_to_hub({ name: name.value }).catch(() => undefined);
    if (answer?.address) return say("Pushed:", answer.address);
    say(answer?.error ?? NO_CONNECTION);
    if (answer?.error) showUser();
  });

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
