// Items and lines: editing in place, comments, adding by hand, choosing several.
import { endsComposition } from "./ime.js";
import { say } from "./words.js";

export function startItems() {
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  document.addEventListener("change", (event) => { if (event.target.matches(".pick")) countChosen(); });
  document.body.addEventListener("htmx:afterSettle", countChosen);
  document.body.addEventListener("htmx:afterSwap", (event) => {
    const form = event.detail.requestConfig && event.detail.requestConfig.elt;
    if (form && form.matches && form.matches(".add-form") && event.detail.successful !== false) { form.reset(); close(form); }
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    // The element that asked has left the page with the item that was replaced.
    const element = event.detail.requestConfig.elt;
    if (event.detail.successful && element.matches(".edit-form, .comment-form, [data-move]")) focusAgain(element);
  });
}

// The element that was replaced had the focus; the one in its place takes it.
function focusAgain(element) {
  const item = element.closest(".item");
  if (!item) return;
  window.setTimeout(() => {
    const fresh = document.getElementById(item.id);
    const text = fresh && fresh.querySelector(".item-text");
    if (text && (document.activeElement === document.body || !document.activeElement)) text.focus();
  }, 30);
}

function onClick(event) {
  const target = event.target;
  if (target.closest("[data-give-up]")) { giveUp(target.closest("form")); return; }
  const add = target.closest("[data-add]");
  if (add) { open(document.getElementById(add.getAttribute("aria-controls"))); return; }
  const comment = target.closest("[data-comment]");
  if (comment) { open(document.getElementById(comment.getAttribute("aria-controls"))); return; }
  if (target.closest("[data-edit-this]")) { edit(target.closest(".item, .line, .turn")); return; }
  const text = target.closest("[data-edit]");
  // A click that ends the choosing of words to copy is not a wish to edit them.
  if (text && String(window.getSelection()) === "") edit(text.closest(".item"));
}

function edit(item) {
  const form = item.querySelector(".edit-form");
  if (!form || !form.hidden) return;
  reveal(form);
  const box = form.querySelector("textarea");
  box.focus();
  box.setSelectionRange(box.value.length, box.value.length);
}

function open(form) {
  if (!form.hidden) { close(form); return; }
  reveal(form);
  form.querySelector("textarea").focus();
}

// A form and all that it stands in come into sight; the focus stays where it is.
export function reveal(form) {
  const item = form.matches(".edit-form") && form.closest(".item, .line, .turn");
  if (item) item.querySelector(".item-text, .line-text").hidden = true;
  form.hidden = false;
  const button = form.id && document.querySelector(`[aria-controls="${form.id}"]`);
  if (button) button.setAttribute("aria-expanded", "true");
  for (let folded = form.closest("details"); folded; folded = folded.parentElement.closest("details")) folded.open = true;
}

function close(form) {
  form.hidden = true;
  const button = document.querySelector(`[aria-controls="${form.id}"]`);
  if (button) { button.setAttribute("aria-expanded", "false"); button.focus(); }
}

function giveUp(form) {
  form.reset();
  for (const box of form.querySelectorAll("[data-kept]")) delete box.dataset.kept;
  if (!form.classList.contains("edit-form")) { close(form); return; }
  const item = form.closest(".item, .line, .turn");
  form.hidden = true;
  const text = item.querySelector(".item-text, .line-text");
  text.hidden = false;
  (item.querySelector("[data-edit-this]") || text).focus();
}

function onKey(event) {
  const box = event.target.closest("textarea");
  const form = box && box.closest(".edit-form, .comment-form, .add-form, .ask-form");
  if (form) { onFormKey(event, box, form); return; }
  const text = event.target.closest("[data-edit]");
  if (!text || event.target !== text) return;
  if (event.key === "Enter" && !endsComposition(event)) { event.preventDefault(); edit(text.closest(".item")); }
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    text.closest(".item").querySelector(`[data-move="${event.key === "ArrowUp" ? "up" : "down"}"]`).click();
  }
}

function onFormKey(event, box, form) {
  if (event.key === "Escape" && !event.isComposing && !form.matches(".ask-form")) { event.preventDefault(); event.stopPropagation(); giveUp(form); return; }
  if (event.key !== "Enter") return;
  if (endsComposition(event)) return;
  const sends = event.ctrlKey || event.metaKey || (box.hasAttribute("data-enter-sends") && !event.shiftKey);
  if (!sends) return;
  event.preventDefault();
  // While the model writes, its button rests; the words wait in the box.
  const button = form.querySelector("[data-asks-model]");
  if (!button || !button.disabled) form.requestSubmit();
}

function countChosen() {
  const button = document.getElementById("redo-chosen");
  if (!button) return;
  const count = document.querySelectorAll("#draft .pick:checked").length;
  button.dataset.count = count;
  if (!document.querySelector("[data-running]")) button.disabled = count === 0;
  button.querySelector("[data-chosen-label]").textContent = count ? `${say("chosen")} (${count})` : say("chosen");
}
