// Gradio runs this as the body of a function, with `element`, `server`, `upload` and `props`, once a component is on
// the page. It loads the component's module, whose address ui/component.py puts in, and has it mount.

const address = new URL("@module", document.baseURI); // the page may lie under a path of a proxy
const visit = new URL("@visit", document.baseURI);

/** A module that did not load cannot be asked for again by the same page: the browser keeps the failure. */
function offerReload(error) {
  console.error(error);
  const sentence = document.createElement("span");
  sentence.textContent = "This part of the page could not be loaded. Please check your connection, and try again.";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tool";
  button.textContent = "Try again";
  button.addEventListener("click", async () => {
    button.disabled = true;
    const answer = await fetch(address, { cache: "no-store" }).catch(() => null);
    if (answer && answer.status < 500) return location.reload(); // 404: the server has a newer page
    sentence.textContent = "There is still no connection. Please try again in a moment.";
    button.disabled = false;
  });
  const message = document.createElement("div");
  message.className = "load-failure";
  message.setAttribute("role", "alert");
  message.append(sentence, button);
  element.prepend(message);
}

element.inert = true; // what is pressed before there is a script to hear it would be lost
Promise.all([import(address), import(visit)])
  .finally(() => (element.inert = false))
  .then(([{ mount }, { withKey }]) => mount({ element, server: withKey(server), upload, props }), offerReload);
