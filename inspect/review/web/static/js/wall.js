// Follows the live stream and puts what changed into the wall. Without this script the page loads itself again.

const QUIET_MS = 15000; // three signs of life that did not come
const tiles = document.getElementById("tiles");
const lost = document.querySelector(".lost");
let heard = Date.now();
let source = null;

function tell(text) {
  lost.textContent = text;
  lost.hidden = text === "";
}

function alive() {
  heard = Date.now();
  tell("");
}

function keyed(list, wanted) {
  const there = new Map([...list.children].map((item) => [item.dataset.key, item]));
  [...wanted.children].forEach((item, place) => {
    const old = there.get(item.dataset.key);
    there.delete(item.dataset.key);
    const shown = old && old.innerHTML === item.innerHTML ? old : item;
    if (old && shown !== old) old.remove();
    if (list.children[place] !== shown) list.insertBefore(shown, list.children[place] ?? null);
  });
  for (const item of there.values()) item.remove();
}

function exchange(old, wanted) {
  if (old.className !== wanted.className) old.className = wanted.className;
  const there = [...old.querySelectorAll("[data-piece]")];
  const come = [...wanted.querySelectorAll("[data-piece]")];
  if (there.map((piece) => piece.dataset.piece).join() !== come.map((piece) => piece.dataset.piece).join()) {
    old.replaceWith(wanted);
    return;
  }
  there.forEach((piece, place) => {
    if ("keyed" in piece.dataset) keyed(piece, come[place]);
    else if (piece.innerHTML !== come[place].innerHTML) piece.replaceChildren(...come[place].childNodes);
  });
}

function show(html) {
  const template = document.createElement("template");
  template.innerHTML = html; // made by the server's templates, which escape what they are given
  const wanted = [...template.content.querySelectorAll(".tile")];
  const there = [...tiles.querySelectorAll(".tile")];
  const names = (list) => list.map((tile) => tile.dataset.station).join("\n");
  if (names(there) === names(wanted)) there.forEach((tile, place) => exchange(tile, wanted[place]));
  else tiles.replaceChildren(...wanted);
}

function follow() {
  const address = new URL(tiles.dataset.stream, location.href);
  address.searchParams.set("after", tiles.dataset.seen);
  address.searchParams.set("language", tiles.dataset.language);
  source = new EventSource(address);
  source.addEventListener("beat", alive);
  source.addEventListener("wall", (event) => {
    alive();
    tiles.dataset.seen = event.lastEventId;
    show(JSON.parse(event.data));
  });
  source.addEventListener("busy", () => {
    alive();
    tell(lost.dataset.busy);
    source.close();
    setTimeout(reload, 30000);
  });
  source.addEventListener("over", () => {
    source.close();
    tell(lost.dataset.over);
    source = null;
  });
}

function reload() {
  location.reload();
}

// A stream that is broken and one that is silent look alike to whoever stands before the wall.
setInterval(() => {
  if (source === null || Date.now() - heard < QUIET_MS) return;
  if (lost.hidden) tell(lost.dataset.since.replace("{time}", new Date(heard).toLocaleTimeString(tiles.dataset.language)));
  if (source.readyState === EventSource.CLOSED) follow(); // refused once: the browser does not try again by itself
}, 1000);

follow();
