// The Inside tab: your stroke on its way through the network, and every number it becomes.

import { chooseNetwork, hasOwnReader, hasResult, OWN, RESULT, sessionState } from "../shared/session.js";
import { parseAddress, showAddress, VIEWS } from "./address.js";
import { createChange } from "./change.js";
import { createCompare } from "./compare.js";
import { createDoubt } from "./doubt.js";
import { fillSelect } from "./elements.js";
import { createFlow } from "./flow.js";
import { createKernels } from "./kernels.js";
import { createLearn } from "./learn.js";
import { Looking } from "./looking.js";
import { createNeighbours } from "./neighbours.js";
import { createPad, createRender, createSeen, createShares } from "./side.js";
import { watchSight } from "./sight.js";
import { createTime } from "./time.js";
import { createTour } from "./tour.js";
import { createWhy } from "./why.js";

const NETWORKS = [["digits", "Best network"], ["seed", "Simple network"]];

/** The arguments are what Gradio hands to a component's script. */
export function mount({ element, server }) {
  const find = (selector) => element.querySelector(selector);
  const tab = find(".tab");
  const announce = (sentence) => (find(".announcement").textContent = sentence);
  const looking = new Looking(server, createRender());
  const seen = createSeen(element);
  const showShares = createShares(element);
  const pad = createPad({ element, looking, announce });
  const parts = { element, looking, seen, announce };
  const views = {
    flow: createFlow(parts),
    why: createWhy(parts),
    change: createChange(parts),
    learn: createLearn(parts),
    doubt: createDoubt(parts),
    kernels: createKernels(parts),
    time: createTime({ ...parts, networks }),
    neighbours: createNeighbours(parts),
    compare: createCompare({ ...parts, networks }),
  };
  const tour = createTour({ element, open, announce });
  const choice = find(".which select");
  let current = "flow";
  let isOpened = false; // whether the current view has been told that it is open: only once there are maps
  let wanted = null; // the cell of the page's address, until there are maps

  function open(view) {
    if (view !== current) views[current].onClose?.();
    current = view;
    for (const name of VIEWS) {
      find(`[data-view=${name}]`).hidden = name !== view;
      find(`[data-open=${name}]`).setAttribute("aria-selected", String(name === view));
      find(`[data-open=${name}]`).tabIndex = name === view ? 0 : -1;
    }
    if (view !== "flow") seen.frame(null);
    isOpened = looking.network !== null && !looking.isEmpty;
    if (!isOpened) return;
    views[view].onLook?.();
    views[view].onOpen?.();
  }

  function goTo(address) {
    if (address?.step) tour.start(address.step);
    else if (address?.view) open(address.view);
    wanted = address?.cell ? address : null;
    if (wanted && !looking.isEmpty) pinWanted();
  }

  function pinWanted() {
    const { layer, cell } = wanted;
    wanted = null;
    views.flow.pin(layer, cell);
  }

  function networks() {
    const own = hasOwnReader() ? [[OWN, "Your network"]] : [];
    const result = hasResult() ? [[RESULT, "Your new network"]] : [];
    return [...NETWORKS, ...own, ...result];
  }

  const showNetworks = () => fillSelect(choice, networks(), sessionState.network);

  looking.addEventListener("network", () => {
    for (const view of Object.values(views)) view.onNetwork?.();
  });
  looking.addEventListener("look", () => {
    seen.show(looking.picture);
    showShares(looking.shares);
    find(".of-several").hidden = !looking.isOneOfSeveral;
    const steps = looking.copies.length;
    find(".after").textContent = steps === 0 ? "" : `By a copy after ${steps === 1 ? "1 step" : `${steps} steps`}.`;
    tab.dataset.looks = Number(tab.dataset.looks) + 1;
    tab.dataset.state = "read";
    views[current].onLook?.();
    if (!isOpened) views[current].onOpen?.();
    isOpened = true;
    if (wanted) pinWanted();
  });
  looking.addEventListener("rest", () => {
    tab.dataset.rests = Number(tab.dataset.rests) + 1;
    views[current].onRest?.();
  });
  looking.addEventListener("empty", () => {
    seen.show(null);
    showShares(null);
    find(".of-several").hidden = true;
    tab.dataset.state = "empty";
    for (const view of Object.values(views)) view.onEmpty?.();
  });
  looking.addEventListener("trouble", () => (find(".notice").textContent = looking.trouble));
  sessionState.addEventListener("network", () => {
    showNetworks();
    looking.networkChanged();
  });
  sessionState.addEventListener("model", () => {
    showNetworks();
    looking.networkChanged();
  });
  let hadResult = hasResult();
  sessionState.addEventListener("status", () => {
    if (hasResult() === hadResult) return;
    hadResult = hasResult();
    showNetworks();
    looking.resultChanged();
  });
  choice.addEventListener("change", () => chooseNetwork(choice.value));

  const tabs = find(".views");
  tabs.addEventListener("click", ({ target }) => {
    const view = target.closest("[data-open]")?.dataset.open;
    if (!view) return;
    open(view);
    showAddress({ view });
  });
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const view = VIEWS[(VIEWS.indexOf(current) + step + VIEWS.length) % VIEWS.length];
    open(view);
    showAddress({ view });
    find(`[data-open=${view}]`).focus();
  });
  find(".take-tour").addEventListener("click", () => tour.start());
  addEventListener("hashchange", () => goTo(parseAddress(location.hash)));

  // A tab that is not shown asks for nothing; when it is shown again, it looks at the drawing as it is by then.
  watchSight(tab, (isSeen) => {
    if (looking.isShown === isSeen) return;
    looking.show(isSeen);
    if (isSeen) pad.repaint();
  });

  showNetworks();
  open(current);
  goTo(parseAddress(location.hash));
}
