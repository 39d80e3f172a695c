// Where digits are read: says that the network in use reads none, and leads back.

import { sessionState } from "./session.js";

const TITLES = { "fashion-mnist": "Fashion-MNIST", cifar10: "CIFAR-10" };

/** What is said of the network in use, "" where it reads digits. */
export function describeOther({ own, reads_digits: readsDigits, dataset }) {
  if (!own || readsDigits) return "";
  const pictures = TITLES[dataset] ?? dataset;
  return `Your network in use knows ${pictures} and does not read digits, so the best network reads here.`;
}

/** element: the tab, with the elements of no_digits.html in it; act: shared/actions.js's. */
export function mountNoDigits(element, act) {
  const line = element.querySelector(".no-digits");

  function show() {
    const sentence = describeOther(sessionState.mine);
    line.hidden = sentence === "";
    line.querySelector("b").textContent = sentence;
  }

  show();
  sessionState.addEventListener("status", show);
  line.querySelector("button").addEventListener("click", async () => {
    const failure = await act("use_shipped");
    if (failure) line.querySelector("b").textContent = failure;
  });
}
