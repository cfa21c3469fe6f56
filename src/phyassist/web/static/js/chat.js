// A conversation: the newest words in sight, numbers that open their source, an answer on the clipboard.
import { copy } from "./copying.js";

const NEAR_PX = 160;

export function startChat() {
  if (!document.querySelector(".thread, #pane-chat")) return;
  document.addEventListener("click", onClick);
  document.body.addEventListener("htmx:afterSettle", (event) => { if (event.target.id === "thread") showNew(); });
  document.body.addEventListener("htmx:oobBeforeSwap", () => { following = isAtEnd(); });
  document.body.addEventListener("htmx:oobAfterSwap", (event) => {
    if (following && event.target.closest && event.target.closest(".thread")) toEnd();
  });
  if (document.querySelector(".thread .turn")) toEnd();
}

let following = false;

function scroller() {
  const pane = document.getElementById("pane-chat");
  return pane && !pane.hidden ? pane : document.scrollingElement;
}

function isAtEnd() {
  const place = scroller();
  return place.scrollHeight - place.scrollTop - place.clientHeight < NEAR_PX;
}

function toEnd() {
  const place = scroller();
  place.scrollTop = place.scrollHeight;
}

// A new thread has an address of its own from its first question on.
function showNew() {
  const thread = document.getElementById("thread");
  if (thread.dataset.page) window.history.replaceState(null, "", thread.dataset.page);
  const box = document.getElementById("ask");
  if (box && thread.querySelector("[data-running]")) box.focus({ preventScroll: true });
  toEnd();
}

function onClick(event) {
  const cite = event.target.closest("a.cite");
  if (cite) {
    event.preventDefault();
    const passage = document.getElementById(cite.getAttribute("href").slice(1));
    passage.open = true;
    passage.querySelector("summary").focus();
    passage.scrollIntoView({ block: "nearest" });
  }
  const starter = event.target.closest("[data-starter]");
  if (starter) takeStarter(starter);
  const copies = event.target.closest("[data-copy-answer]");
  if (copies) copyAnswer(copies);
}

// Put where it can be changed before it is asked; what stands there already is the counsellor's own.
function takeStarter(starter) {
  const box = document.getElementById("ask");
  box.focus();
  box.setRangeText(starter.innerText, box.selectionStart, box.selectionEnd, "end");
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

function copyAnswer(button) {
  const paragraphs = document.querySelectorAll(`#${button.dataset.copyAnswer} .paragraph > p`);
  copy(button, [...paragraphs].map((each) => each.innerText).join("\n\n"));
}
