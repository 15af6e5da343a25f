// Requests to the server: an answer, a refusal with its reason, or nobody there.

import { csrf } from "./page.js";

const WAIT_MS = 15000;

/** The server answered, and not with what was asked for. */
export class Refused extends Error {
  constructor(status, answer) {
    super(answer.error || String(status));
    this.status = status;
    this.answer = answer;
  }

  /** The same request may be answered otherwise in a while. */
  get isPassing() {
    return this.status >= 500 || this.status === 429 || this.status === 408;
  }
}

/** The server could not be reached. */
export class Unreachable extends Error {}

export async function ask(path) {
  return answerOf(path, { headers: { Accept: "application/json" } });
}

export async function send(path, value) {
  return answerOf(path, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": csrf },
    body: JSON.stringify(value),
  });
}

async function answerOf(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, redirect: "error", signal: AbortSignal.timeout(WAIT_MS) });
  } catch (error) {
    throw new Unreachable(error.message);
  }
  let answer;
  try {
    answer = await response.json();
  } catch (error) {
    if (response.ok) throw new Unreachable(error.message); // cut off on its way
    answer = {};
  }
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}
