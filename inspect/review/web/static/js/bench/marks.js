// Marked defects of the part on the bench: drawn, listed, taken away, and as they are sent.

import { element, said } from "./page.js";
import { maskOf, packed, runsOf } from "./runs.js";

/** Draws the marks of a view, in pixels of its frame. */
export function paintMarks(context, view, scale, marks) {
  marks.forEach((mark, place) => {
    if (mark.view !== view.view) return;
    if (mark.strokes) paintStrokes(context, mark.strokes);
    else paintBox(context, mark.box_px, scale);
    const [x, y] = mark.strokes ? mark.strokes[0].points[0] : mark.box_px;
    paintNumber(context, place + 1, x, y, scale);
  });
}

export function paintBox(context, [x0, y0, x1, y1], scale) {
  for (const [width, style] of [[5, "rgb(0 0 0 / 65%)"], [2.5, "#fff"]]) {
    context.lineWidth = width / scale;
    context.strokeStyle = style;
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  }
}

export function paintStrokes(context, strokes) {
  context.globalAlpha = 0.5;
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = "#ff5ca8";
  for (const { points, radius } of strokes) {
    context.lineWidth = radius * 2;
    context.beginPath();
    context.moveTo(...points[0]);
    for (const point of points) context.lineTo(...point);
    if (points.length === 1) context.lineTo(points[0][0] + 0.01, points[0][1]);
    context.stroke();
  }
  context.globalAlpha = 1;
}

function paintNumber(context, number, x, y, scale) {
  context.font = `bold ${14 / scale}px sans-serif`;
  context.lineWidth = 4 / scale;
  context.strokeStyle = "rgb(0 0 0 / 80%)";
  context.fillStyle = "#fff";
  context.strokeText(String(number), x, y - 4 / scale);
  context.fillText(String(number), x, y - 4 / scale);
}

/** As the server takes them; a painted one that holds no pixel is left out. */
export function sentMarks(marks, views) {
  return marks.flatMap((mark) => {
    const { view, label } = mark;
    if (!mark.strokes) return [{ view, label, box_px: mark.box_px }];
    const { width, height } = views.find((each) => each.view === view);
    const painted = maskOf(mark.strokes, width, height);
    if (!painted) return [];
    return [{ view, label, box_px: painted.box, brush_rle: packed(runsOf(painted, width, height)) }];
  });
}

/** The list beneath the buttons. */
export function listMarks(marks, remove) {
  const list = document.getElementById("marks");
  if (!list) return; // whoever may only look marks nothing
  list.replaceChildren(
    ...marks.map((mark, place) => {
      const name = said("remove_mark", { number: place + 1, label: mark.label });
      const button = element("button", { type: "button", "aria-label": name, onclick: () => remove(mark) }, "×");
      return element("li", {}, `${place + 1}. ${mark.label} · ${mark.view}`, button);
    }),
  );
  document.getElementById("save-marks").hidden = marks.length === 0;
}
