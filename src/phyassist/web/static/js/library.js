// Files and folders for the library, one after the other, with what became of each.
import { announce } from "./words.js";

const READABLE = /\.(pdf|docx|epub|html?|xhtml|md|markdown|txt|text|csv|bib|ris|json)$/i;

export function startLibrary() {
  const form = document.getElementById("library-add");
  if (!form) return;
  const picked = document.getElementById("library-file");
  const folder = document.getElementById("library-folder");
  folder.closest(".folder").hidden = false;
  form.addEventListener("submit", (event) => { event.preventDefault(); addAll(form, [...picked.files]); });
  folder.addEventListener("change", () => addAll(form, [...folder.files].filter((file) => READABLE.test(file.name))));
  window.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  window.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
  window.addEventListener("drop", async (event) => {
    document.body.classList.remove("dropping");
    if (!event.dataTransfer.items.length) return;
    event.preventDefault();
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
    const files = (await Promise.all(entries.map(filesOf))).flat();
    addAll(form, files.filter((file) => READABLE.test(file.name)));
  });
}

async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((take, refuse) => entry.file(take, refuse))];
  const reader = entry.createReader();
  const found = [];
  // A folder is handed out a hundred entries at a time, and an empty handful ends it.
  for (;;) {
    const some = await new Promise((take, refuse) => reader.readEntries(take, refuse));
    if (!some.length) break;
    found.push(...(await Promise.all(some.map(filesOf))).flat());
  }
  return found;
}

async function addAll(form, files) {
  if (!files.length) return;
  const progress = document.getElementById("library-progress");
  const refused = document.getElementById("library-refused");
  refused.replaceChildren();
  progress.hidden = false;
  let done = 0;
  let problems = 0;
  for (const file of files) {
    const values = { done: ++done, total: files.length, name: file.name };
    progress.textContent = progress.dataset.progress.replace(/\{(\w+)\}/g, (_, key) => values[key]);
    const problem = await add(form, file);
    if (!problem) continue;
    problems += 1;
    const line = document.createElement("li");
    line.textContent = problem;
    refused.append(line);
  }
  progress.textContent = progress.dataset.done;
  announce(progress.textContent);
  if (!problems) window.location.assign("/library?said=added");
}

async function add(form, file) {
  const body = new FormData();
  body.append("file", file);
  body.append("scope", form.elements.scope.value);
  try {
    const reply = await fetch("/library", { method: "POST", headers: { Accept: "application/json" }, body });
    if (reply.ok) return "";
    const said = await reply.json();
    return `${file.name}: ${said.what} ${said.next}`;
  } catch {
    return file.name;
  }
}
