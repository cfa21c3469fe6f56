// Words that stand in this page alone: what is typed in a form and not sent yet outlives a swap beside it, and
// whoever would leave without it is asked.
import { reveal } from "./items.js";

const BOXES = "textarea, input:not([type=hidden], [type=password], [type=search], [type=file], [autocomplete=one-time-code]), select";
// What a swap takes away waits here for its form to come back: a deleted item is brought back with its comment.
const waiting = new Map();
// Two clicks are one wish; after this long, the second one is a wish of its own.
const ONCE_MS = 10000;
let sent = null;
let sentAt = 0;

export function startTyped() {
  for (const kind of ["htmx:beforeSwap", "htmx:oobBeforeSwap"]) document.body.addEventListener(kind, remember);
  for (const kind of ["htmx:afterSwap", "htmx:oobAfterSwap"]) document.body.addEventListener(kind, giveBack);
  // What goes with the page that is left is not lost: a form that is sent, or given up by its own link.
  document.addEventListener("submit", onSubmit);
  window.addEventListener("pageshow", stay);
  document.addEventListener("click", (event) => { if (event.target.closest("[data-cancel]")) sent = event.target.closest("form"); });
  document.body.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
    if (detail.xhr.getResponseHeader("HX-Redirect")) sent = detail.requestConfig.elt.closest("form");
  });
}

function onSubmit(event) {
  if (event.defaultPrevented) return;
  if (Date.now() - sentAt < ONCE_MS) { event.preventDefault(); return; }
  sent = event.target;
  sentAt = Date.now();
}

export function hasTyped() { return listWords().some(isTyped); }

export function losesTyped() { return listWords().some((box) => box.form !== sent && isTyped(box)); }

// Words under a heading that another form of note does not show go along unseen.
function listWords() { return [...listBoxes(document), ...document.querySelectorAll("input[type=hidden][data-kept]")]; }

// Whoever is asked and stays has sent nothing.
export function stay() {
  sent = null;
  sentAt = 0;
}

function listBoxes(within) {
  // A form that only asks for a view holds nobody's words.
  return [...within.querySelectorAll(BOXES)].filter((box) => box.form && box.form.getAttribute("method") !== "get");
}

// A form that was refused comes back with the words in it, which are nowhere else.
function isTyped(box) { return isChanged(box) || (!isTicked(box) && Boolean(box.closest("[data-kept]"))); }

function isChanged(box) {
  if (isTicked(box)) return box.checked !== box.defaultChecked;
  if (box.matches("select")) return box.selectedIndex !== Math.max(0, [...box.options].findIndex((each) => each.defaultSelected));
  return box.value !== box.defaultValue;
}

function isTicked(box) { return box.type === "checkbox" || box.type === "radio"; }

// A box in the page that comes has another object, but the same place and name.
function nameBox(box) { return [box.closest("[id]").id, box.name, isTicked(box) ? box.value : ""].join(" "); }

function remember({ detail }) {
  if (!detail.shouldSwap) return;
  const asked = detail.requestConfig && detail.requestConfig.elt;
  for (const box of listBoxes(detail.target)) {
    const hasFocus = box === document.activeElement;
    waiting.delete(nameBox(box));
    // A form's own answer says what becomes of its words.
    if (box.form === asked || !(isTyped(box) || hasFocus)) continue;
    const { value, checked, selectionStart, selectionEnd } = box;
    waiting.set(nameBox(box), { box, value, checked, selectionStart, selectionEnd, hasFocus });
  }
}

function giveBack() {
  if (!waiting.size) return;
  for (const box of listBoxes(document)) {
    const words = waiting.get(nameBox(box));
    // One answer swaps several parts of the page, one after the other.
    if (!words || words.box.isConnected) continue;
    waiting.delete(nameBox(box));
    if (!isChanged(box)) fill(box, words);
  }
}

function fill(box, { value, checked, selectionStart, selectionEnd, hasFocus }) {
  if (isTicked(box)) box.checked = checked;
  else box.value = value;
  reveal(box.form);
  if (!hasFocus) return;
  box.focus({ preventScroll: true });
  if (selectionStart !== null && selectionStart !== undefined) box.setSelectionRange(selectionStart, selectionEnd);
}
