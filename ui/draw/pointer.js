// Drawing with a mouse, a pen or a finger.

/** pen: {down(x, y), move(points), lift()}, as pad.js has it; onDown: called before it. Returns {isDrawing}. */
export function drawWithPointer({ canvas, pen, onDown }) {
  let drawing = null; // id of the pointer that draws; others are palms and second fingers

  /** Where on the pad events happened: [x, y] each, to a ten-thousandth of its side. */
  function points(events) {
    const { left, top, width } = canvas.getBoundingClientRect();
    const share = (pixels) => Math.round((1e4 * pixels) / width) / 1e4;
    return events.map((event) => [share(event.clientX - left), share(event.clientY - top)]);
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (drawing !== null || event.button !== 0) return;
    drawing = event.pointerId;
    canvas.setPointerCapture(drawing);
    onDown();
    pen.down(...points([event])[0]);
  });

  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== drawing) return;
    const samples = event.getCoalescedEvents?.() ?? [];
    pen.move(points(samples.length > 0 ? samples : [event]));
  });

  // Capture is lost when the button or finger lifts, and also when the system takes the pointer away.
  canvas.addEventListener("lostpointercapture", (event) => {
    if (event.pointerId !== drawing) return;
    drawing = null;
    pen.lift();
  });

  return { isDrawing: () => drawing !== null };
}
