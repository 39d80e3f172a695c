// Under the tabs: the code by which a program has pictures read by this very server.

const DONE = 2000; // milliseconds for which a button says that it is done

export function mount({ element }) {
  const address = new URL(".", document.baseURI).href;
  for (const example of element.querySelectorAll(".example")) {
    const snippet = example.querySelector("pre code");
    snippet.textContent = snippet.textContent.replaceAll("@address", address);
    offerCopy(snippet, example.querySelector(".copy"));
  }
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
