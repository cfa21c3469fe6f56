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
  const state = { box, timer: 0, dirty: false, since: 0, sending: null, parting: 0, failed: false, note: document.getElementById(box.dataset.savedTo) };
  boxes.set(box, state);
  showLength(box);
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
  if (state.sending) return state.sending.then(() => (state.dirty ? send(state) : undefined));
  window.clearTimeout(state.timer);
  state.sending = post(state).finally(() => { state.sending = null; state.parting = 0; });
  return state.sending;
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
  const reply = await fetch(state.box.dataset.autosave, { headers: { Accept: "application/json" } });
  if (!reply.ok) return;
  const theirs = await reply.json();
  card.hidden = false;
  card.querySelector("[data-keep-mine]").onclick = () => { card.hidden = true; state.box.dataset.after = theirs.version; send(state); };
  card.querySelector("[data-take-theirs]").onclick = () => {
    card.hidden = true;
    state.box.value = theirs.text;
    state.box.dataset.after = theirs.version;
    state.dirty = false;
    state.failed = false;
    mark(state.note, say("saved", { time: theirs.time }));
    showLength(state.box);
    showSource(state.box, theirs.text);
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
