// Under the tabs: the code by which a program has pictures read by this very server.

const DONE = 2000; // milliseconds for which a button says that it is done

export function mount({ element }) {
  const find = (selector) => element.querySelector(selector);
  const snippet = find(".snippet");
  snippet.textContent = snippet.textContent.replace("@address", new URL(".", document.baseURI).href);

  find(".copy").addEventListener("click", async ({ currentTarget: button }) => {
    const label = button.textContent;
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
