// Notes and records on paper and on the clipboard.
import { announce, say } from "./words.js";

export function startPaper() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
    const one = event.target.closest("[data-print-note]");
    if (one) printOne(one.dataset.printNote);
    const copy = event.target.closest("[data-copy]");
    if (copy) copyText(copy);
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

async function copyText(button) {
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).innerText);
  const before = button.textContent;
  button.textContent = say("copied");
  announce(say("copied"));
  window.setTimeout(() => { button.textContent = before; }, 2000);
}
