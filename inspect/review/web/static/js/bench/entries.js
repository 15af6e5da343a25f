// Decisions on this computer's disk, in the order they were made, until the server has them.

const NAME = "taktsight-review";
const STORE = "entries";
const KEPT_SENT = 100;

let opening = null;

function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "order", autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opening;
}

/** Runs one transaction; with "strict", what it wrote is on the disk when the promise is kept. */
async function transact(mode, work, durability = "strict") {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode, { durability });
    const request = work(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

export const all = () => transact("readonly", (store) => store.getAll());
export const put = (entry) => transact("readwrite", (store) => store.put(entry));
/** How far an entry came: after a power cut it is sent again, and its request_id counts once. */
export const note = (entry) => transact("readwrite", (store) => store.put(entry), "relaxed");
export const remove = (order) => transact("readwrite", (store) => store.delete(order));

/** Sent ones are kept for undoing, the last ones of an account. */
export async function forgetOld(account) {
  const sent = (await all()).filter((entry) => entry.account === account && entry.state === "sent");
  for (const entry of sent.slice(0, Math.max(0, sent.length - KEPT_SENT))) await remove(entry.order);
}
