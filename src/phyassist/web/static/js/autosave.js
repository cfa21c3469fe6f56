// Text is saved as it is typed.  What could not be saved yet lives in this page's memory only, never on disk.
import { isAway, whenConnected, whenStored } from "./connection.js";
import { showLock } from "./lock.js";
import { losesTyped, stay } from "./typed.js";
import { say } from "./words.js";

const PAUSE_MS = 700;
// Whoever types without a pause is saved all the same.
const MOST_MS = 5000;
// What a browser still sends when its page is left: 64 KiB in all, and a Chinese character takes nine bytes.
const PARTING_BYTES = 60000;
// A server that waits for its database answers late; until then the page says that it is tried again.
const LATE_MS = 3000;
// Whoever comes back at once waits this long for the words that were on their way when the page was left.
const ARRIVAL_MS = 10000;
const LOOK_MS = 250;
const boxes = new Map();

export function startAutosave() {
  for (const box of document.querySelectorAll("textarea[data-autosave]")) watch(box);
  document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
    // A question that was found does not take the place of one that is being written.
    const box = event.target;
    if (box.id !== "question" || !(box.value.trim() || box === document.activeElement)) return;
    event.detail.shouldSwap = false;
    // The next words follow the question that was found: nobody else wrote it.
    box.dataset.after = event.detail.fragment.querySelector("#question").dataset.after;
  });
  document.body.addEventListener("htmx:oobAfterSwap", () => {
    for (const box of document.querySelectorAll("textarea[data-autosave]")) if (!boxes.has(box)) watch(box);
    for (const box of boxes.keys()) if (!box.isConnected) boxes.delete(box);
  });
  window.addEventListener("beforeunload", (event) => {
    for (const state of boxes.values()) if (state.dirty) send(state);
    const loses = document.body.matches(".workspace") && losesTyped();
    if (loses || losesBox()) { stay(); event.preventDefault(); event.returnValue = say("leave"); }
  });
  window.addEventListener("pagehide", () => {
    for (const state of boxes.values()) if (state.parting) sessionStorage.setItem(leftAt(state.box), state.box.dataset.after);
  });
  document.body.addEventListener("htmx:confirm", (event) => {
    // What the model is to read must be saved before it is asked.
    if (!event.target.closest("[data-flush]")) return;
    event.preventDefault();
    flush().then((saved) => { if (saved) event.detail.issueRequest(true); });
  });
}

export function hasUnsaved() { return [...boxes.values()].some((state) => state.dirty || state.sending); }
function losesBox() { return [...boxes.values()].some((state) => state.failed || state.dirty || (state.sending && !state.parting)); }

export async function flush() {
  for (const state of boxes.values()) {
    window.clearTimeout(state.timer);
    while (state.sending) await state.sending;
    if (state.dirty) await send(state);
  }
  return !hasUnsaved();
}

function watch(box) {
  const state = { box, timer: 0, dirty: false, since: 0, sending: null, parting: 0, failed: false, choosing: false, note: document.getElementById(box.dataset.savedTo) };
  boxes.set(box, state);
  showLength(box);
  const left = sessionStorage.getItem(leftAt(box));
  sessionStorage.removeItem(leftAt(box));
  if (left !== null && Number(left) >= Number(box.dataset.after)) begin(state, awaitArrival(state), 1);
  // Words typed while the page was still loading.
  if (box.value !== box.defaultValue) { state.dirty = true; send(state); }
  box.addEventListener("input", () => {
    state.since ||= Date.now();
    state.dirty = true;
    showLength(box);
    window.clearTimeout(state.timer);
    state.timer = window.setTimeout(() => send(state), Math.min(PAUSE_MS, state.since + MOST_MS - Date.now()));
  });
  box.addEventListener("blur", () => { if (state.dirty) send(state); });
}

function send(state) {
  // Between two texts the counsellor chooses first: to send one again would only be refused again.
  if (state.choosing) return Promise.resolve();
  if (state.sending) return state.sending.then(() => (state.dirty ? send(state) : undefined));
  window.clearTimeout(state.timer);
  return begin(state, post(state));
}

function begin(state, work, parting = state.parting) {
  state.parting = parting;
  state.sending = work.finally(() => { state.sending = null; state.parting = 0; });
  return state.sending;
}

// Where a page that is left notes what a box's words came after.  The words themselves never stand there.
function leftAt(box) { return `left:${box.dataset.autosave}`; }

// The page was made before the words that were on their way had arrived: it takes them, and nobody else is blamed.
async function awaitArrival(state) {
  const { box, note } = state;
  mark(note, say("saving"));
  for (const end = Date.now() + ARRIVAL_MS; Date.now() < end;) {
    const stored = await ask(box);
    if (stored && stored.version > Number(box.dataset.after)) {
      // What was typed meanwhile followed older words: the one who typed it chooses.
      if (!state.dirty) show(state, stored);
      return;
    }
    await new Promise((done) => window.setTimeout(done, LOOK_MS));
  }
  mark(note, "");
}

// What is stored of a box: its text, version and time; null where it cannot be asked for now.
async function ask(box) {
  const reply = await fetch(box.dataset.autosave, { headers: { Accept: "application/json" } }).catch(() => null);
  return reply && reply.ok ? reply.json() : null;
}

function show(state, stored) {
  state.box.value = stored.text;
  state.box.dataset.after = stored.version;
  mark(state.note, say("saved", { time: stored.time }));
  showLength(state.box);
  showSource(state.box, stored.text);
}

async function post(state) {
  const { box, note } = state;
  const text = box.value;
  const body = new URLSearchParams({ [box.name]: text, after: box.dataset.after }).toString();
  state.dirty = false;
  state.since = 0;
  state.parting = takeRoom(body.length);
  mark(note, say("saving"));
  const late = window.setTimeout(() => mark(note, say("again"), true), LATE_MS);
  let reply;
  try {
    reply = await fetch(box.dataset.autosave, {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" },
      body,
      keepalive: state.parting > 0,
    });
  } catch {
    keep(state);
    whenConnected(box, () => send(state));
    return;
  } finally {
    window.clearTimeout(late);
  }
  await take(state, reply, text);
}

// The bytes that may outlive the page, or 0: other boxes' words may have taken the room already.
function takeRoom(bytes) {
  const taken = [...boxes.values()].reduce((sum, each) => sum + each.parting, 0);
  return taken + bytes <= PARTING_BYTES ? bytes : 0;
}

async function take(state, reply, text) {
  const { box, note } = state;
  if (reply.ok) {
    const saved = await reply.json();
    state.failed = false;
    box.dataset.after = saved.version;
    mark(note, say("saved", { time: saved.time }));
    document.body.dispatchEvent(new Event("saved"));
    showSource(box, text);
    return;
  }
  keep(state);
  if (reply.status === 401) { showLock(); return; }
  if (reply.status === 409) { showChanged(state); return; }
  if (isAway(reply.status, reply.headers.get("Retry-After"))) {
    mark(note, say("again"), true);
    whenStored(box, () => send(state));
    return;
  }
  const fault = await reply.json().catch(() => ({ what: "", next: "" }));
  mark(note, `${fault.what} ${fault.next}`.trim(), true);
  if (reply.status >= 500) state.timer = window.setTimeout(() => send(state), 10000);
}

function keep(state) {
  state.dirty = true;
  state.failed = true;
  mark(state.note, say("kept"), true);
}

function mark(note, text, waiting = false) {
  if (!note) return;
  note.textContent = text;
  note.classList.toggle("waiting", waiting);
}

async function showChanged(state) {
  const card = document.getElementById(`${state.box.id}-changed`);
  state.choosing = true;
  const theirs = await ask(state.box);
  state.choosing = theirs !== null;
  if (!theirs) return;
  card.hidden = false;
  const choose = () => { card.hidden = true; state.choosing = false; };
  card.querySelector("[data-keep-mine]").onclick = () => { choose(); state.box.dataset.after = theirs.version; send(state); };
  card.querySelector("[data-take-theirs]").onclick = () => {
    choose();
    state.dirty = false;
    state.failed = false;
    show(state, theirs);
  };
}

function showSource(box, text) {
  const pane = document.querySelector("#pane-source [data-source-text]");
  if (box.id === "source" && pane) pane.textContent = text;
}

function showLength(box) {
  const place = document.querySelector(`[data-for="${box.id}"]`);
  if (!place) return;
  const text = box.value.trim();
  const count = Array.from(text).length;
  const han = (text.match(/[\u3400-\u9fff]/g) || []).length;
  const words = (text.replace(/[\u3400-\u9fff]/g, " ").match(/\S+/g) || []).length;
  // Reading speeds of adults: about 350 Chinese characters, or 230 English words, a minute.
  const minutes = han / 350 + words / 230;
  if (!count) { place.textContent = ""; return; }
  const time = minutes < 1 ? say("seconds") : say("minutes", { count: Math.round(minutes) });
  place.textContent = `${say("length", { count })} · ${time}`;
}
