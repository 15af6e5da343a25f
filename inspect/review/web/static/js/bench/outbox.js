// Sends decisions once each, in their order; keeps them through a lost connection, a reload, a crash.

import { Refused, Unreachable, ask, send } from "./api.js";
import * as entries from "./entries.js";
import { account, newRequestId } from "./page.js";

const ISSUED_MS = 20; // the next part is not held up by it for longer
const TRY_AGAIN_MS = [500, 1000, 2000, 4000, 8000];

export class Outbox extends EventTarget {
  constructor() {
    super();
    this.isOnline = navigator.onLine;
    this.isSignedOut = false;
    this.list = [];
    this.lastAck = null;
    this.#tries = 0;
  }

  #tries;
  #timer = 0;
  #pumping = null;
  #turn = Promise.resolve();
  #isStale = true;
  #issued = () => {};
  #adding = 0; // entries that are on their way to this disk, and not in the list yet
  #ahead = new Map(); // request_id → the answer to what was sent before it was on this disk

  async start() {
    addEventListener("online", () => this.pump());
    addEventListener("offline", () => this.#reach(false));
    await this.#read();
    await entries.forgetOld(account);
    this.pump();
  }

  /** Mine that wait, that were refused, or that conflict. */
  mine(...states) {
    return this.list.filter((entry) => entry.account === account && states.includes(entry.state));
  }

  /** Names and counts of others who decided at this computer and are not signed in. */
  others() {
    const found = new Map();
    for (const entry of this.list) {
      if (entry.account !== account && entry.state !== "sent") {
        found.set(entry.account, (found.get(entry.account) ?? 0) + 1);
      }
    }
    return found;
  }

  /** On the disk, and on its way where there is one, when the promise is kept. */
  async add(entry) {
    const whole = { account, state: "waiting", tried: 0, at: Date.now(), ...entry };
    this.#sendAhead(whole);
    this.#adding += 1;
    try {
      await this.#inTurn(async () => {
        whole.order = await entries.put(whole);
        this.list.push(whole);
      });
    } catch (error) {
      if (await this.#arrived(whole)) return whole; // this disk is full or forbidden; the server's is not
      throw error;
    } finally {
      this.#adding -= 1;
    }
    this.#changed();
    const issued = new Promise((resolve) => (this.#issued = resolve));
    this.pump();
    await Promise.race([issued, new Promise((resolve) => setTimeout(resolve, ISSUED_MS))]);
    return whole;
  }

  /** Takes the last decision back: out of the box if it never left, else by an entry after it. */
  async undoLast() {
    const undone = new Set(this.list.filter((entry) => entry.kind === "undo").map((entry) => entry.of));
    const made = this.mine("waiting", "sent").filter((entry) => entry.kind === "decide");
    const last = made.filter((entry) => !undone.has(entry.request_id)).at(-1);
    if (!last) return null;
    if (last.state === "waiting" && !last.tried) await this.drop(last);
    else await this.add({ kind: "undo", of: last.request_id, part: last.part, serial: last.serial, choice: "undo" });
    return last;
  }

  async drop(entry) {
    await entries.remove(entry.order);
    this.list = this.list.filter((each) => each.order !== entry.order);
    this.#changed();
  }

  /** Decides again, knowing what the other one said. */
  async insist(entry) {
    const body = { ...entry.body, offer: entry.answer.offer, request_id: newRequestId() };
    await this.#keep(entry, { body, request_id: body.request_id, state: "waiting", tried: 0, answer: null });
    this.pump();
  }

  /** Sends what waits; one at a time, here and in other tabs. */
  pump() {
    clearTimeout(this.#timer);
    this.#pumping ??= this.#locked(() => this.#sendAll())
      .catch((error) => console.error(error))
      .finally(() => {
        this.#pumping = null;
        const isNew = (entry) => entry.tried === 0 || this.#ahead.has(entry.request_id);
        if (this.mine("waiting").some(isNew) && this.isOnline && !this.isSignedOut) this.pump();
      });
    return this.#pumping;
  }

  async #locked(work) {
    if (!navigator.locks) return work(); // without TLS there are none; a request_id counts once anyway
    return navigator.locks.request("taktsight-outbox", work);
  }

  async #sendAll() {
    if (this.#isStale) await this.#read();
    this.#isStale = false;
    let next;
    while ((next = this.mine("waiting")[0])) {
      if (!(await this.#sendOne(next))) return;
    }
    if (!this.isOnline) await this.#ping();
  }

  /** Both disks at once, where nothing waits before it: whichever is slower, it counts once. */
  #sendAhead(entry) {
    if (entry.kind !== "decide" || !this.isOnline || this.isSignedOut) return;
    if (this.#pumping || this.#adding || this.#ahead.size || this.mine("waiting").length) return;
    entry.tried = 1; // who takes it back now must say so to the server
    const sending = this.#post(entry);
    sending.catch(() => {}); // said where the answer is waited for
    this.#ahead.set(entry.request_id, sending);
  }

  async #arrived({ request_id }) {
    const sending = this.#ahead.get(request_id);
    this.#ahead.delete(request_id);
    return sending ? sending.then(() => true, () => false) : false;
  }

  /** Whether to go on with the one after it. */
  async #sendOne(entry) {
    try {
      const noted = this.#keep(entry, { tried: entry.tried + 1 });
      const sending = this.#ahead.get(entry.request_id) ?? this.#post(entry);
      this.#ahead.delete(entry.request_id);
      this.#issued();
      noted.catch(() => {}); // it is sent whether that could be noted or not; the next note says so
      const answer = await sending;
      this.#reach(true);
      await this.#keep(entry, { state: "sent", answer, body: null });
      return true;
    } catch (error) {
      return this.#failed(entry, error);
    }
  }

  async #post(entry) {
    const begun = performance.now();
    const answer = entry.kind === "undo" ? await this.#sendUndo(entry) : await send("/api/decide", entry.body);
    this.lastAck = { entry, tookMs: performance.now() - begun };
    this.dispatchEvent(new CustomEvent("ack", { detail: this.lastAck })); // it is on the server's disk
    return answer;
  }

  async #sendUndo(entry) {
    const decided = this.list.find((each) => each.request_id === entry.of);
    if (decided?.state !== "sent") return {}; // it was never recorded: nothing is left to undo
    return send("/api/undo", { decision: decided.answer.decision, reason: "" });
  }

  async #failed(entry, error) {
    if (error instanceof Unreachable || (error instanceof Refused && error.isPassing)) {
      this.#reach(!(error instanceof Unreachable));
      this.#later();
      return false;
    }
    if (!(error instanceof Refused)) throw error;
    this.#reach(true);
    if (error.status === 401 || error.status === 403) {
      this.isSignedOut = true;
      this.#changed();
      return false;
    }
    const state = error.status === 409 && error.answer.other ? "conflict" : "refused";
    await this.#keep(entry, { state, answer: error.answer, reason: error.message });
    return true;
  }

  async #ping() {
    try {
      await ask("/api/search?q=&most=1");
      this.#reach(true);
    } catch (error) {
      this.#reach(error instanceof Refused);
      if (!this.isOnline) this.#later();
    }
  }

  /** Somebody else could not reach the server: find out when it is back. */
  lost() {
    this.#reach(false);
    this.#later();
  }

  #later() {
    this.#isStale = true; // another tab may have sent some of it meanwhile
    clearTimeout(this.#timer);
    const wait = TRY_AGAIN_MS[Math.min(this.#tries, TRY_AGAIN_MS.length - 1)];
    this.#tries += 1;
    this.#timer = setTimeout(() => this.pump(), wait);
  }

  #reach(isOnline) {
    if (isOnline) this.#tries = 0;
    const isBack = isOnline && !this.isOnline;
    this.isOnline = isOnline;
    this.#changed();
    if (isBack) this.dispatchEvent(new Event("back"));
  }

  async #keep(entry, changes) {
    Object.assign(entry, changes);
    await entries.note(entry);
    this.#changed();
  }

  async #read() {
    await this.#inTurn(async () => {
      this.list = await entries.all();
    });
    this.#changed();
  }

  /** Reading and adding do not overtake each other. */
  #inTurn(work) {
    this.#turn = this.#turn.then(work, work);
    return this.#turn;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
