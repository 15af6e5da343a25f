// Which part comes next: fetched ahead, so that it is there when it is wanted, and while there is no connection.

import { Unreachable, ask } from "./api.js";
import { query } from "./page.js";
import { warm } from "./viewer.js";

const AHEAD = 3;
const REMEMBERED = 40;
const MOST_NAMED = 60;

export class Items {
  constructor(first, outbox) {
    this.current = first;
    this.ahead = [];
    this.trail = [];
    this.isEmpty = false;
    this.#outbox = outbox;
    outbox.addEventListener("back", () => this.fill());
  }

  #outbox;
  #filling = null;
  #done = [];
  #warmed = new WeakSet();

  /** Fetches parts until there are enough; one fetch at a time. */
  fill() {
    this.#filling ??= this.#fill().finally(() => (this.#filling = null));
    return this.#filling;
  }

  async #fill() {
    if (this.ahead.length >= AHEAD) return;
    try {
      const named = (parts) => encodeURIComponent(parts.join(","));
      const asked = `most=${AHEAD - this.ahead.length}&held=${named(this.#held())}&besides=${named(this.#done)}`;
      const answer = await ask(`/api/next?${asked}${query ? `&${query}` : ""}`);
      this.isEmpty = answer.items.length === 0;
      for (const item of answer.items) this.#take(item);
    } catch (error) {
      if (error instanceof Unreachable) this.#outbox.lost();
      else throw error;
    }
  }

  #take(item) {
    if (this.#held().includes(item.part)) return;
    this.ahead.push(item);
  }

  /** Fetches the pictures of those that come after the next one; each once. */
  warm() {
    for (const item of this.ahead.slice(1)) {
      if (this.#warmed.has(item)) continue;
      this.#warmed.add(item);
      for (const view of item.views) warm(view, 1024);
    }
  }

  /** Parts that are in hand, and not decided as far as the server knows. */
  #held() {
    const waiting = this.#outbox.mine("waiting").filter((entry) => entry.kind === "decide");
    const here = [this.current, ...this.ahead].filter((item) => item && !this.#done.includes(item.part));
    return [...new Set([...here, ...waiting].map((each) => each.part))].slice(0, MOST_NAMED);
  }

  /** The part is decided: it does not come back by itself. */
  done(part) {
    this.#done = [part, ...this.#done.filter((each) => each !== part)].slice(0, REMEMBERED);
  }

  /** The next one becomes the current one; null where there is none here. */
  async forward() {
    if (!this.ahead.length) await this.fill();
    const next = this.ahead.shift() ?? null;
    if (next || this.isEmpty) {
      if (this.current) this.trail = [...this.trail, this.current].slice(-REMEMBERED);
      this.current = next;
    }
    return next;
  }

  /** The one before; the current one comes next again, unless it is decided. */
  async back() {
    const before = this.trail.pop();
    if (!before) return null;
    if (this.current && !this.#done.includes(this.current.part)) this.ahead.unshift(this.current);
    this.current = await this.fresh(before);
    return this.current;
  }

  /** A part as it is now: it may have been decided meanwhile. */
  async fresh({ part, offer, ...kept }) {
    try {
      return await ask(`/api/parts/${encodeURIComponent(part)}?offer=${offer ?? ""}${query ? `&${query}` : ""}`);
    } catch (error) {
      if (error instanceof Unreachable && kept.views) return { part, offer, ...kept };
      throw error;
    }
  }

  /** Goes to a part by its name, as after an undo. */
  async open(part, offer = "") {
    const known = [...this.trail].reverse().find((item) => item.part === part) ?? { part };
    const item = await this.fresh({ ...known, offer: known.offer ?? offer });
    if (this.current && this.current.part !== part && !this.#done.includes(this.current.part)) {
      this.ahead.unshift(this.current);
    }
    this.ahead = this.ahead.filter((each) => each.part !== part);
    this.#done = this.#done.filter((each) => each !== part);
    this.current = item;
    return item;
  }
}
