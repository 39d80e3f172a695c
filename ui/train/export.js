// The curves of a training as files: numbers for a spreadsheet, or a picture.

const COLUMNS = {
  epoch: "epoch",
  loss: "training loss",
  validation_loss: "validation loss",
  accuracy: "training accuracy",
  validation_accuracy: "validation accuracy",
};

/** A line a point of the curve, under the names of the columns; what was not measured is empty. */
export function csvOfCurve(curve) {
  const lines = curve.map((point) => Object.keys(COLUMNS).map((name) => point[name] ?? "").join(","));
  return [Object.values(COLUMNS).join(","), ...lines, ""].join("\n");
}

const [SCALE, GAP, LEGEND] = [2, 40, 60]; // pixels a unit; units

/** figures: the charts on the page. A canvas with all of them, one below the other, black on white. */
export async function paintCharts(figures, title) {
  const boxes = figures.map((figure) => figure.querySelector("svg").getBoundingClientRect());
  const width = Math.max(...boxes.map((box) => box.width)) + 100;
  const height = boxes.reduce((sum, box) => sum + box.height + GAP + LEGEND, 0);
  const canvas = Object.assign(document.createElement("canvas"), { width: SCALE * width, height: SCALE * height });
  const context = canvas.getContext("2d");
  context.scale(SCALE, SCALE);
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.fillStyle = "black";
  let top = LEGEND;
  for (const [i, figure] of figures.entries()) {
    const { width: w, height: h } = boxes[i];
    context.font = `600 15px ${getComputedStyle(document.body).fontFamily}`;
    const latest = figure.querySelector(".latest").textContent;
    context.fillText(`${figure.querySelector("strong").textContent} ${latest}  ${title}`, 60, top - 24);
    context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    for (const tick of figure.querySelectorAll(".tick")) {
      context.fillText(tick.textContent, 8, top + (h * parseFloat(tick.style.top)) / 100 + 4);
    }
    context.drawImage(await imageOf(figure.querySelector("svg"), w, h), 60, top, w, h);
    top += h + GAP + LEGEND;
  }
  return canvas;
}

/** An SVG of the page as an image, with the colours that the page gives its lines. */
async function imageOf(svg, width, height) {
  const copy = svg.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  [...svg.children].forEach((line, i) => {
    const { stroke, strokeWidth, strokeDasharray } = getComputedStyle(line);
    Object.assign(copy.children[i].style, { fill: "none", stroke, strokeWidth, strokeDasharray });
    copy.children[i].setAttribute("vector-effect", "non-scaling-stroke");
  });
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  await image.decode();
  return image;
}
