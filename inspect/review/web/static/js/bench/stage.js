// Everything that is seen of one part: its views side by side, linked, and golden samples beside them.

import { ask } from "./api.js";
import { link } from "./linked.js";
import { paintMarks } from "./marks.js";
import { element, hint, said } from "./page.js";
import { View, tileSource } from "./viewer.js";

const BLINK_MS = 450;

export class Stage {
  constructor(item, overlays) {
    this.item = item;
    this.overlays = overlays;
    this.marks = [];
    this.tool = null;
    this.element = element("div", { class: "stage behind", "data-views": String(item.views.length), inert: true });
    document.getElementById("stages").append(this.element);
    this.views = item.views.map((each) => this.#view(each, said("view", { view: each.view })));
    this.goldens = [];
    this.link = link(this.views);
    this.active = this.views[0] ?? null;
    this.ready = Promise.all(this.views.map((view) => view.ready));
    for (const view of this.views) {
      view.known = view.ready.then(() => this.#about(view));
      this.#find(view);
    }
  }

  #blinking = 0;

  #view(description, caption) {
    return new View(this.element, description, caption, (context, view, scale) => {
      this.overlays.paint(context, view, scale);
      paintMarks(context, view, scale, this.marks);
      this.tool?.paint(context, view, scale);
    });
  }

  /** Whether the frame is the one that was judged must be said; its golden sample is fetched beside it. */
  async #about(view) {
    try {
      const { fault, golden } = await ask(`/api/about/${view.image}`);
      view.golden = golden;
      if (fault) view.host.append(element("p", { class: "fault", role: "alert" }, fault));
    } catch (error) {
      view.golden = null; // the picture is seen or not seen without it
    }
  }

  async #find(view) {
    view.found = await this.overlays.load(view);
    view.repaint();
    this.onfound?.();
  }

  show() {
    this.element.classList.remove("behind");
    this.element.inert = false;
    this.activate(this.active);
  }

  activate(view) {
    this.active = view;
    for (const each of this.views) each.host.classList.toggle("active", each === view && this.views.length > 1);
  }

  nextView() {
    if (this.views.length > 1) this.activate(this.views[(this.views.indexOf(this.active) + 1) % this.views.length]);
    this.active?.host.scrollIntoView({ block: "nearest" });
  }

  repaint() {
    for (const view of this.views) view.repaint();
  }

  /** Golden samples beside the views; again, and they are gone. True while they are seen. */
  async toggleGolden() {
    await this.#known();
    if (this.goldens.length) {
      for (const golden of this.goldens) {
        this.link.remove(golden);
        golden.close();
      }
      this.goldens = [];
    } else {
      for (const view of this.views.filter((each) => each.golden)) this.#addGolden(view);
      hint(this.goldens.length ? "" : said("no_golden"));
    }
    this.element.dataset.views = String(this.views.length + this.goldens.length);
    return this.goldens.length > 0;
  }

  #known() {
    return Promise.all(this.views.map((view) => view.known));
  }

  #addGolden(view) {
    const golden = new View(this.element, { ...view.golden, view: view.view }, said("golden"), () => {});
    golden.host.classList.add("golden");
    view.host.after(golden.host);
    this.link.add(golden);
    this.goldens.push(golden);
  }

  /** Part and golden sample by turns, in place. True while it goes on. */
  async toggleBlink() {
    await this.#known();
    if (this.#blinking) {
      clearInterval(this.#blinking);
      this.#blinking = 0;
      for (const view of this.views) this.#golden(view)?.setOpacity(0);
      this.element.classList.remove("blinked");
      return false;
    }
    const blinking = this.views.filter((view) => view.golden);
    if (!blinking.length) {
      hint(said("no_golden"));
      return false;
    }
    blinking.filter((view) => !this.#golden(view)).forEach(addHiddenGolden);
    let isGolden = false;
    this.#blinking = setInterval(() => {
      isGolden = !isGolden;
      for (const view of blinking) this.#golden(view)?.setOpacity(isGolden ? 1 : 0);
      this.element.classList.toggle("blinked", isGolden);
    }, BLINK_MS);
    return true;
  }

  #golden(view) {
    return view.osd.world.getItemAt(1);
  }

  close() {
    clearInterval(this.#blinking);
    for (const view of [...this.views, ...this.goldens]) view.close();
    this.element.remove();
  }
}

function addHiddenGolden(view) {
  view.osd.addTiledImage({ tileSource: tileSource(view.golden), opacity: 0, preload: true, width: 1 });
}
