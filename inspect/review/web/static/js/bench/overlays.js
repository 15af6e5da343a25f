// What the bundle finds in a frame: outlines, masks and heat maps, by label, as strong as somebody likes.

import { ask } from "./api.js";
import { element, hint, said } from "./page.js";

const MODES = ["outline", "mask", "heat", "off"];
const COLOURS = [
  [255, 214, 0],
  [0, 229, 255],
  [255, 92, 168],
  [118, 255, 3],
  [255, 145, 0],
  [179, 136, 255],
];
const MOST_NAMES = 12;
const KEPT = "taktsight-overlay";
const WAITS_MS = [150, 250, 400, 600, 1000, 1500, 2000, 3000, 3000, 3000]; // a frame is judged again meanwhile

export class Overlays extends EventTarget {
  constructor() {
    super();
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    this.mode = MODES.includes(kept.mode) ? kept.mode : "outline";
    this.opacity = kept.opacity ?? 0.55;
    this.isHeld = false;
    this.off = new Set();
    this.#found = new Map();
  }

  #found;

  /** Fetches what is found in a frame; once. */
  load(view) {
    if (!view.has_overlay) return Promise.resolve(null);
    if (!this.#found.has(view.image)) {
      this.#found.set(view.image, this.#fetch(view));
      while (this.#found.size > 24) this.#found.delete(this.#found.keys().next().value);
    }
    return this.#found.get(view.image);
  }

  async #fetch(view) {
    const { image } = view;
    let reason = "";
    for (const wait of WAITS_MS) {
      if (view.isClosed) break; // nobody looks at it any more
      try {
        const found = await ask(`/api/overlay/${image}`);
        if (found.is_ready) return prepared(found);
        reason = found.why;
      } catch (error) {
        reason = error.message;
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
    this.#found.delete(image);
    return { labels: [], reason };
  }

  cycle() {
    this.mode = MODES[(MODES.indexOf(this.mode) + 1) % MODES.length];
    this.#changed();
  }

  setOpacity(opacity) {
    this.opacity = opacity;
    this.#changed();
  }

  hold(isHeld) {
    this.isHeld = isHeld;
    this.#changed();
  }

  toggle(label) {
    if (!this.off.delete(label)) this.off.add(label);
    this.#changed();
  }

  #changed() {
    localStorage.setItem(KEPT, JSON.stringify({ mode: this.mode, opacity: this.opacity }));
    this.dispatchEvent(new Event("change"));
  }

  /** Draws over a view, in pixels of its frame. */
  paint(context, view, scale) {
    const found = view.found;
    if (!found || this.isHeld || this.mode === "off") return;
    for (const each of found.labels) {
      if (this.off.has(each.label)) continue;
      if (this.mode === "heat") this.#paintHeat(context, view, each);
      else this.#paintShape(context, each, scale);
    }
  }

  #paintShape(context, each, scale) {
    const colour = `rgb(${each.colour.join(" ")})`;
    if (this.mode === "mask") {
      context.globalAlpha = this.opacity;
      context.fillStyle = colour;
      context.fill(each.shape, "evenodd");
    }
    context.globalAlpha = this.mode === "mask" ? 1 : Math.max(0.25, this.opacity);
    for (const [width, style] of [[4, "rgb(0 0 0 / 60%)"], [2, colour]]) {
      context.lineWidth = width / scale;
      context.strokeStyle = style;
      context.stroke(each.shape);
    }
    context.globalAlpha = 1;
    each.contours.slice(0, MOST_NAMES).forEach((contour) => paintName(context, each, contour, colour, scale));
  }

  #paintHeat(context, view, each) {
    if (!each.map) return;
    if (!each.heat) {
      each.heat = heatOf(each).then((heat) => {
        each.heat = heat;
        view.repaint();
      });
      return;
    }
    if (each.heat instanceof Promise) return;
    context.globalAlpha = this.opacity;
    context.imageSmoothingEnabled = true;
    const [x0, y0, x1, y1] = each.map_box_px;
    context.drawImage(each.heat, x0, y0, x1 - x0, y1 - y0);
    context.globalAlpha = 1;
  }
}

/** Which defect it is, above its outline: colour does not say it alone. */
function paintName(context, { label }, { points, score }, colour, scale) {
  const left = Math.min(...points.map(([x]) => x));
  const top = Math.min(...points.map(([, y]) => y));
  context.font = `600 ${13 / scale}px sans-serif`;
  context.lineWidth = 3 / scale;
  context.strokeStyle = "rgb(0 0 0 / 85%)";
  context.fillStyle = colour;
  const text = `${label} ${score.toFixed(2)}`;
  context.strokeText(text, left, top - 5 / scale);
  context.fillText(text, left, top - 5 / scale);
}

function prepared({ labels, why }) {
  labels.forEach((each, place) => {
    each.colour = COLOURS[place % COLOURS.length];
    each.shape = outlineOf(each.contours);
  });
  return { labels, reason: why };
}

function outlineOf(contours) {
  const shape = new Path2D();
  for (const { points } of contours) {
    points.forEach(([x, y], place) => (place ? shape.lineTo(x, y) : shape.moveTo(x, y)));
    shape.closePath();
  }
  return shape;
}

/** A grey map becomes a coloured one that is clear where nothing was found. */
async function heatOf({ map, colour }) {
  const image = new Image();
  image.src = map;
  await image.decode();
  const canvas = element("canvas", { width: image.width, height: image.height });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height);
  for (let at = 0; at < pixels.data.length; at += 4) {
    const value = pixels.data[at];
    for (let channel = 0; channel < 3; channel += 1) {
      pixels.data[at + channel] = colour[channel] + (255 - colour[channel]) * Math.max(0, value / 255 - 0.75) * 2;
    }
    pixels.data[at + 3] = Math.min(255, value * 1.2);
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** The tools of the bar: which overlay, how strong, of which labels. */
export function bindOverlayTools(overlays, stageNow) {
  const [mode, opacity, hold, chips] = ["overlay-mode", "opacity", "hold", "overlay-labels"].map((id) =>
    document.getElementById(id),
  );
  const off = mode.textContent;
  opacity.value = String(Math.round(overlays.opacity * 100));
  opacity.addEventListener("input", () => overlays.setOpacity(Number(opacity.value) / 100));
  hold.addEventListener("pointerdown", () => overlays.hold(true));
  for (const event of ["pointerup", "pointerleave", "pointercancel"]) {
    hold.addEventListener(event, () => overlays.hold(false));
  }

  function draw() {
    const stage = stageNow();
    const labels = new Map();
    for (const view of stage?.views ?? []) for (const each of view.found?.labels ?? []) labels.set(each.label, each);
    mode.textContent = overlays.mode === "off" ? `${off}: –` : `${off}: ${said(overlays.mode)}`;
    mode.disabled = opacity.disabled = hold.disabled = Boolean(stage?.item.is_hidden);
    chips.replaceChildren(...[...labels.values()].map((each) => chip(overlays, each)));
    chips.parentElement.hidden = stage?.item.is_hidden ?? true;
    const reason = (stage?.views ?? []).map((view) => view.found?.reason).find(Boolean);
    if (reason) hint(said("no_overlay", { reason }));
    stage?.repaint();
  }

  overlays.addEventListener("change", draw);
  return draw;
}

function chip(overlays, { label, colour }) {
  const dot = element("span", { class: "dot", "aria-hidden": "true" });
  dot.style.background = `rgb(${colour.join(" ")})`;
  const isOn = !overlays.off.has(label);
  return element("button", { type: "button", "aria-pressed": String(isOn), onclick: () => overlays.toggle(label) }, dot, label);
}
