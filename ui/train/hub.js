// The Hugging Face Hub, on the Train tab. Whoever wants to push signs in on a page of its own: this one holds
// their network, and would lose it.

const SIGN_IN = "/login/huggingface?_target_url=%2F%3Fsigned-in"; // and back to the page, which then closes

const hub = find(".hub");
const [fetching, pushing] = [find(".fetching"), find(".pushing")];
let isAwaited = false; // that somebody signs in

function tell(sentence, link = null) {
  const told = find(".told");
  told.textContent = sentence;
  told.hidden = sentence === "";
  if (link) told.append(" ", Object.assign(document.createElement("a"), { href: link, textContent: link, target: "_blank", rel: "noopener" }));
}

/** Does what takes a while, with the form's button off; returns the sentence to show then. */
async function transfer(form, sentence, work) {
  const button = form.querySelector("button");
  button.disabled = true;
  tell(sentence);
  await work();
  button.disabled = false;
}

fetching.addEventListener("submit", (event) => {
  event.preventDefault();
  const model = fetching.elements.model.value;
  transfer(fetching, "Fetching\u2026", async () =>
    tell((await act("load_from_hub", { model })) || "Loaded. It is tested now; then press Use this model."),
  );
});

pushing.addEventListener("submit", (event) => {
  event.preventDefault();
  transfer(pushing, "Pushing\u2026", async () => {
    const answer = await server.push_to_hub({ name: pushing.elements.name.value }).catch(() => undefined);
    if (answer?.address) tell("Pushed:", answer.address);
    else tell(answer?.error ?? "There is no connection. Please try again.");
    if (answer?.error) showWho();
  });
});

/** Asks who is signed in, and offers what they can do. */
async function showWho() {
  const answer = await server.signed_in(null).catch(() => undefined);
  if (!answer) return;
  const { user } = answer;
  pushing.hidden = !user;
  find(".sign-in").hidden = Boolean(user);
  find(".of-push").textContent = user ? `Yours, to ${user}/` : "";
  if (isAwaited && !user && window !== window.top) {
    tell("Signed in? Your browser may hide that from a page inside another one. Open this one by itself:", location.origin);
  }
  if (user) isAwaited = false;
}

if (props.signs_in) {
  find(".elsewhere").hidden = true;
  find(".sign-in").addEventListener("click", () => {
    isAwaited = true;
    window.open(SIGN_IN, "_blank");
  });
  // Back from there: the tab is seen again, or the frame that this page may be is looked into again.
  document.addEventListener("visibilitychange", () => isAwaited && !document.hidden && showWho());
  window.addEventListener("focus", () => isAwaited && showWho());
  if (new URLSearchParams(location.search).has("signed-in")) window.close();
  showWho();
}
