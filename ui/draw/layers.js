// The networks that read, layer by layer, each linking to its source where the page knows where that is.

/** details: the element; networks: as ui/draw/layers.py gives them. */
export function mountLayers(details, networks) {
  details.append(...networks.map(newTable));
}

function newTable({ title, layers, parameters }) {
  const table = document.createElement("table");
  table.createCaption().textContent = `${title}: ${parameters.toLocaleString("en")} parameters`;
  const head = table.createTHead().insertRow();
  for (const name of ["Layer", "Output", "Parameters"]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const { layer, shape, count, source } of layers) {
    const row = body.insertRow();
    row.insertCell().append(source ? newLink(layer, source) : layer);
    row.insertCell().textContent = shape.join(" \u00d7 ");
    row.insertCell().textContent = count ? count.toLocaleString("en") : "";
  }
  return table;
}

function newLink(text, address) {
  const link = document.createElement("a");
  return Object.assign(link, { href: address, textContent: text, target: "_blank", rel: "noopener" });
}
