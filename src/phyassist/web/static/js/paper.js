// Notes and records on paper and on the clipboard.
import { copy } from "./copying.js";

export function startPaper() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
    const one = event.target.closest("[data-print-note]");
    if (one) printOne(one.dataset.printNote);
    const copies = event.target.closest("[data-copy]");
    if (copies) copy(copies, document.getElementById(copies.dataset.copy).innerText);
  });
  window.addEventListener("beforeprint", tellPrinted);
  window.addEventListener("beforeprint", () => { for (const note of document.querySelectorAll("details.note")) note.open = true; });
}

// The audit has prints too: a page about a patient says so when it goes to the printer, whichever way.
function tellPrinted() {
  const page = document.querySelector("[data-printed]");
  if (page) fetch(page.dataset.printed, { method: "POST", keepalive: true }).catch(() => {});
}

function printOne(id) {
  const note = document.getElementById(id);
  note.classList.add("print-this");
  document.body.classList.add("print-one");
  window.print();
  note.classList.remove("print-this");
  document.body.classList.remove("print-one");
}
