// Ink on canvases: the one on the screen, and the sheet that is sent to the server.

import { layOutForServer } from "./geometry.js";
import { isPicture } from "./history.js";
import { packPixels, packStrokes } from "./message.js";
import { inkOf } from "../shared/picture.js";

/** Draws strokes on a context whose unit is the pad's side: curves through the middles between their points. */
function drawStrokes(context, strokes, pen) {
  context.lineWidth = pen;
  context.lineCap = context.lineJoin = "round";
  for (const stroke of strokes) {
    if (isPicture(stroke)) {
      context.drawImage(inkOf(stroke, context.fillStyle), 0, 0, 1, 1);
      continue;
    }
    context.beginPath();
    if (stroke.length === 2) {
      context.arc(stroke[0], stroke[1], pen / 2, 0, 2 * Math.PI);
      context.fill();
      continue;
    }
    context.moveTo(stroke[0], stroke[1]);
    let i = 2;
    for (; i + 3 < stroke.length; i += 2) {
      const [x, y, nextX, nextY] = stroke.slice(i, i + 4);
      context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    }
    context.lineTo(...stroke.slice(-2));
    context.stroke();
  }
}

/** Keeps a canvas painted with what `strokes()` returns, `pen()` wide. Returns what asks for a new painting. */
export function createScreen(canvas, strokes, pen) {
  const context = canvas.getContext("2d");
  let frame = null;

  function paint() {
    frame = null;
    const side = Math.round(canvas.clientWidth * devicePixelRatio);
    if (canvas.width !== side) canvas.width = canvas.height = side;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, side, side);
    context.scale(side, side);
    context.strokeStyle = context.fillStyle = getComputedStyle(canvas).color;
    drawStrokes(context, strokes(), pen());
  }

  /** With the screen's next frame, however often it is called until then. */
  const repaint = () => (frame ??= requestAnimationFrame(paint));
  new ResizeObserver(repaint).observe(canvas);
  new MutationObserver(repaint).observe(document.body, { attributeFilter: ["class"] }); // dark mode comes and goes
  return repaint;
}

/** The strokes as message.js sends them; none where a picture is on the pad, too. */
function strokesOnSheet(strokes, { x, y, scale, pen }) {
  if (strokes.some(isPicture)) return [];
  const onSheet = (stroke) => stroke.map((value, i) => value * scale + (i % 2 === 0 ? x : y));
  return packStrokes(strokes.map(onSheet), pen * scale);
}

/**
 * Returns what renders strokes, black on white: {image, packed, toPad}, or null where there is no ink. Of the same
 * pixels, image is a data URL and packed what message.js sends; they are to be taken before the next rendering.
 */
export function createSheet() {
  const sheet = document.createElement("canvas");
  const context = sheet.getContext("2d", { alpha: false, willReadFrequently: true });

  return (strokes) => {
    const layout = layOutForServer(strokes);
    if (layout === null) return null;
    [sheet.width, sheet.height] = [layout.width, layout.height];
    context.fillStyle = "white";
    context.fillRect(0, 0, layout.width, layout.height);
    context.translate(layout.x, layout.y);
    context.scale(layout.scale, layout.scale);
    context.beginPath();
    context.rect(0, 0, 1, 1); // ink beside the pad cannot be seen, so it does not count
    context.clip();
    context.fillStyle = "black";
    drawStrokes(context, strokes, layout.pen);
    return {
      get image() {
        return sheet.toDataURL("image/png");
      },
      get packed() {
        const { width, height, data } = context.getImageData(0, 0, sheet.width, sheet.height);
        return { width, height, ...packPixels(data), strokes: strokesOnSheet(strokes, layout) };
      },
      toPad: layout.toPad,
    };
  };
}
