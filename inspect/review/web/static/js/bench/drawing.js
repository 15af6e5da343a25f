// Marking a defect by mouse, finger, pen or keyboard: a box, or paint.

import { hint, said } from "./page.js";
import { paintBox, paintStrokes } from "./marks.js";

const LEAST_BOX_PX = 2;
const STEP_PX = 12; // of the screen, with the arrow keys; 1 with Shift
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** kind: "box" or "brush"; made(mark) takes what was drawn; label() names it; radius() of the screen. */
export class Tool {
  constructor(kind, stage, { made, label, radius, left }) {
    Object.assign(this, { kind, stage, made, label, radius, left });
    this.cursor = null;
    this.begun = null;
    this.stroke = null;
    this.brushed = null;
    this.#ends = stage.views.map((view) => this.#listen(view));
    stage.tool = this;
    stage.element.classList.add("drawing");
    hint(said(kind === "box" ? "box_help" : "brush_help"));
  }

  #ends;

  end() {
    this.#ends.forEach((end) => end());
    this.stage.tool = null;
    this.stage.element.classList.remove("drawing");
    this.stage.repaint();
    hint("");
    this.left();
  }

  #listen(view) {
    const { canvas } = view;
    const end = new AbortController();
    const on = (name, handler) => canvas.addEventListener(name, handler, { signal: end.signal });
    on("pointerdown", (event) => {
      if (event.button || this.begun) return;
      take(event);
      canvas.setPointerCapture(event.pointerId);
      this.stage.activate(view);
      this.cursor = null;
      this.#begin(view, at(view, event));
    });
    on("pointermove", (event) => {
      if (!this.begun || this.begun.view !== view) return;
      take(event);
      for (const each of event.getCoalescedEvents?.() ?? [event]) this.#move(at(view, each));
      this.#move(at(view, event));
    });
    on("pointerup", (event) => {
      if (!this.begun) return;
      take(event);
      this.#move(at(view, event));
      this.#finish();
    });
    on("pointercancel", () => this.#forget());
    return () => end.abort();
  }

  #begin(view, point) {
    this.begun = { view, from: point, to: point };
    if (this.kind === "brush") {
      this.stroke = { points: [point], radius: Math.max(0.5, this.radius() / view.scale) };
    }
    view.repaint();
  }

  #move(point) {
    if (!this.begun) return;
    this.begun.to = point;
    if (this.stroke) this.stroke.points.push(point);
    this.begun.view.repaint();
  }

  #finish() {
    const { view } = this.begun;
    if (this.kind === "brush") this.#keepStroke(view);
    else {
      const box = this.#box();
      if (box[2] - box[0] >= LEAST_BOX_PX && box[3] - box[1] >= LEAST_BOX_PX) {
        this.made({ view: view.view, label: this.label(), box_px: box });
      }
    }
    this.#forget();
  }

  /** What is painted in one view without leaving the brush is one mark. */
  #keepStroke(view) {
    const { brushed } = this;
    if (brushed?.view === view.view && brushed.label === this.label() && this.stage.marks.includes(brushed)) {
      brushed.strokes.push(this.stroke);
      return;
    }
    this.brushed = { view: view.view, label: this.label(), strokes: [this.stroke] };
    this.made(this.brushed);
  }

  #forget() {
    this.begun = this.stroke = null;
    this.stage.repaint();
  }

  /** Every pixel that the box touches, within the frame. */
  #box() {
    const { view, from, to } = this.begun;
    const low = (place, most) => Math.min(most - 1, Math.max(0, Math.floor(Math.min(from[place], to[place]))));
    const high = (place, most) => Math.min(most, Math.max(1, Math.ceil(Math.max(from[place], to[place]))));
    return [low(0, view.width), low(1, view.height), high(0, view.width), high(1, view.height)];
  }

  /** Whether a key was meant for the drawing. */
  key(event) {
    if (event.key === "Escape") {
      if (this.begun) this.#forget();
      else this.end();
      return true;
    }
    const way = ARROWS[event.key];
    if (!way && event.key !== "Enter") return false;
    if (event.target.closest?.("button, a, input, select, textarea")) return false;
    if (way) this.#step(way, event.shiftKey ? 1 : STEP_PX);
    else this.#enter();
    return true;
  }

  #step(way, stepPx) {
    const view = this.stage.active;
    const from = this.cursor ?? middleOf(view);
    const step = stepPx / view.scale;
    this.cursor = [clamp(from[0] + way[0] * step, view.width), clamp(from[1] + way[1] * step, view.height)];
    if (this.begun) this.#move(this.cursor);
    view.repaint();
  }

  #enter() {
    const view = this.stage.active;
    this.cursor ??= middleOf(view);
    if (this.begun) this.#finish();
    else this.#begin(view, this.cursor);
    view.repaint();
  }

  paint(context, view, scale) {
    if (this.begun?.view === view) {
      if (this.stroke) paintStrokes(context, [this.stroke]);
      else paintBox(context, this.#box(), scale);
    }
    if (this.cursor && this.stage.active === view) paintCross(context, this.cursor, scale);
  }
}

function paintCross(context, [x, y], scale) {
  for (const [width, style] of [[4, "#000"], [2, "#fff"]]) {
    context.lineWidth = width / scale;
    context.strokeStyle = style;
    context.beginPath();
    for (const [dx, dy] of [[14, 0], [0, 14]]) {
      context.moveTo(x - dx / scale, y - dy / scale);
      context.lineTo(x + dx / scale, y + dy / scale);
    }
    context.stroke();
  }
}

function take(event) {
  event.preventDefault();
  event.stopPropagation(); // the picture stays where it is
}

function at(view, event) {
  const place = view.osd.canvas.getBoundingClientRect();
  const point = view.toFrame(event.clientX - place.left, event.clientY - place.top);
  return [point.x, point.y];
}

function middleOf(view) {
  const { x, y } = view.toFrame(view.osd.canvas.clientWidth / 2, view.osd.canvas.clientHeight / 2);
  return [clamp(x, view.width), clamp(y, view.height)];
}

const clamp = (value, most) => Math.min(most, Math.max(0, value));
