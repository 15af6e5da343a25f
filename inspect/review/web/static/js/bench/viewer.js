// One view of a part: deep zoom, and a canvas over it for what was found and what is drawn.

import { element } from "./page.js";

const { OpenSeadragon } = window;
const SMALLEST_LEVEL = 8; // 256 px: smaller levels are never looked at

const OPTIONS = {
  drawer: "canvas",
  showNavigationControl: false,
  animationTime: 0.12,
  springStiffness: 10,
  blendTime: 0,
  immediateRender: true,
  maxZoomPixelRatio: 16,
  minZoomImageRatio: 0.6,
  visibilityRatio: 0.4,
  loadTilesWithAjax: false,
  gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
  gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: true, pinchRotate: false },
  gestureSettingsPen: { clickToZoom: false },
};

/** OpenSeadragon puts a style sheet into the page, which our policy forbids, unless it finds this. */
function keepStylesOut() {
  const name = "data-openseadragon-mobile-css";
  if (document.querySelector(`style[${name}]`)) return;
  const inert = document.createElementNS("", "style");
  inert.setAttribute(name, "");
  document.head.append(inert);
}

keepStylesOut();

export function levelsOf(width, height) {
  return Math.ceil(Math.log2(Math.max(width, height, 1)));
}

export function tileSource({ image, width, height, tile_px: tilePx }) {
  const maxLevel = levelsOf(width, height);
  return {
    width,
    height,
    tileSize: tilePx,
    tileOverlap: 0,
    minLevel: Math.min(SMALLEST_LEVEL, maxLevel),
    maxLevel,
    getTileUrl: (level, x, y) => `/pictures/${image}/tiles/${level}/${x}_${y}`,
  };
}

/** Fetches what a first look at a frame needs, so that it is in the browser's cache. */
export function warm(view, sidePx) {
  const top = levelsOf(view.width, view.height);
  const scale = Math.max(1, Math.floor(Math.max(view.width, view.height) / sidePx));
  const level = Math.max(0, top - Math.floor(Math.log2(scale)));
  const step = view.tile_px * 2 ** (top - level);
  for (let y = 0; y * step < view.height; y += 1) {
    for (let x = 0; x * step < view.width; x += 1) {
      new Image().src = `/pictures/${view.image}/tiles/${level}/${x}_${y}`;
    }
  }
}

export class View {
  /** paint(context, view): draws over the picture in pixels of the frame. */
  constructor(host, description, caption, paint) {
    Object.assign(this, description);
    this.description = description;
    this.canvas = element("canvas", { class: "over", "aria-hidden": "true" });
    const place = element("div", { class: "picture" });
    this.host = element("figure", { class: "view" }, element("figcaption", {}, caption), place);
    host.append(this.host);
    this.osd = new OpenSeadragon.Viewer({ ...OPTIONS, element: place, tileSources: tileSource(description) });
    this.osd.innerTracker.keyHandler = null; // keys are the bench's
    this.osd.innerTracker.keyDownHandler = null;
    this.osd.canvas.append(this.canvas);
    this.osd.canvas.setAttribute("role", "group");
    this.osd.canvas.setAttribute("aria-label", caption);
    this.#paint = paint;
    for (const event of ["open", "update-viewport", "resize", "animation"]) {
      this.osd.addHandler(event, () => this.repaint());
    }
    this.osd.addHandler("resize", () => this.#fitAgain());
    this.osd.addHandler("zoom", ({ zoom }) => (this.isFitted = Math.abs(zoom / this.osd.viewport.getHomeZoom() - 1) < 0.01));
    this.isFitted = true;
    this.ready = new Promise((resolve) => this.osd.addOnceHandler("open", () => this.#whenDrawn(resolve)));
  }

  #paint;
  #isDue = false;

  /** What was seen whole is seen whole in another room too. */
  #fitAgain() {
    if (!this.isFitted || !this.item) return;
    requestAnimationFrame(() => this.osd.viewport?.goHome(true));
  }

  get item() {
    return this.osd.world.getItemAt(0);
  }

  /** Pixels of the screen per pixel of the frame. */
  get scale() {
    return this.item ? this.item.viewportToImageZoom(this.osd.viewport.getZoom(true)) : 1;
  }

  #whenDrawn(resolve) {
    const { item } = this;
    if (item.getFullyLoaded()) resolve();
    else item.addOnceHandler("fully-loaded-change", () => resolve());
  }

  repaint() {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      if (this.item) this.#draw();
    });
  }

  #draw() {
    const { clientWidth, clientHeight } = this.osd.canvas;
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const context = this.canvas.getContext("2d");
    const corner = this.toScreen(0, 0);
    const scale = this.scale * ratio;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    context.setTransform(scale, 0, 0, scale, corner.x * ratio, corner.y * ratio);
    this.#paint(context, this, scale / ratio);
    const isLarge = this.scale >= 2; // pixels are shown as they are
    if (this.osd.drawer.setImageSmoothingEnabled) this.osd.drawer.setImageSmoothingEnabled(!isLarge);
  }

  /** From pixels of the frame to pixels of the element. */
  toScreen(x, y) {
    return this.item.imageToViewerElementCoordinates(new OpenSeadragon.Point(x, y));
  }

  toFrame(x, y) {
    return this.item.viewerElementToImageCoordinates(new OpenSeadragon.Point(x, y));
  }

  zoomBy(factor) {
    this.osd.viewport.zoomBy(factor).applyConstraints();
  }

  zoomFull() {
    this.osd.viewport.zoomTo(this.item.imageToViewportZoom(1));
    this.osd.viewport.applyConstraints();
  }

  zoomFit() {
    this.osd.viewport.goHome();
  }

  /** By shares of what is seen. */
  panBy(right, down) {
    const bounds = this.osd.viewport.getBounds();
    this.osd.viewport.panBy(new OpenSeadragon.Point(right * bounds.width, down * bounds.height)).applyConstraints();
  }

  close() {
    this.isClosed = true;
    this.osd.destroy();
    this.host.remove();
  }
}
