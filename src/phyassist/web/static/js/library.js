// Files and folders for the library, one after the other, with what became of each.
import { announce } from "./words.js";

// A reference manager's list gives titles to documents that are there, so it goes after them.
const LIST = /\.(bib|ris|json)$/i;
const READABLE = /\.(pdf|docx|epub|html?|xhtml|md|markdown|txt|text|csv|bib|ris|json)$/i;

export function startLibrary() {
  const form = document.getElementById("library-add");
  if (!form) return;
  const picked = document.getElementById("library-file");
  const folder = document.getElementById("library-folder");
  folder.closest(".folder").hidden = false;
  form.addEventListener("submit", (event) => { event.preventDefault(); addAll(form, [...picked.files]); });
  folder.addEventListener("change", () => addReadable(form, [...folder.files]));
  window.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  window.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
  window.addEventListener("drop", async (event) => {
    document.body.classList.remove("dropping");
    const dropped = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    if (!dropped.length) return;
    event.preventDefault();
    // Both must be asked for at once: what was dropped is out of reach after the first wait.
    const found = dropped.map((item) => [item.webkitGetAsEntry(), item.getAsFile()]);
    addReadable(form, (await Promise.all(found.map(([entry, file]) => (entry ? filesOf(entry) : [file])))).flat());
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

// Of a folder, all that the library reads; the rest is named, but for what systems leave in every folder.
function addReadable(form, files) {
  const seen = files.filter((file) => !/^(\.|~\$|(thumbs\.db|desktop\.ini)$)/i.test(file.name));
  addAll(form, seen.filter((file) => READABLE.test(file.name)), seen.filter((file) => !READABLE.test(file.name)));
}

async function addAll(form, files, others = []) {
  if (!files.length && !others.length) return;
  const progress = document.getElementById("library-progress");
  const refused = document.getElementById("library-refused");
  refused.replaceChildren();
  progress.hidden = false;
  const came = { added: 0, known: 0, references: 0, unchanged: 0, refused: others.length };
  if (others.length) {
    const names = new Intl.ListFormat(document.documentElement.lang).format(others.map((file) => file.name));
    addLine(refused, fill(refused.dataset.kind, { names }));
  }
  const ordered = [...files.filter((file) => !LIST.test(file.name)), ...files.filter((file) => LIST.test(file.name))];
  for (const [no, file] of ordered.entries()) {
    progress.textContent = fill(progress.dataset.progress, { done: no + 1, total: ordered.length, name: file.name });
    const { became, problem } = await add(form, file);
    came[became] += 1;
    if (problem) addLine(refused, problem);
  }
  const parts = came.refused ? [fill(progress.dataset.sum, came)] : [progress.dataset.done];
  if (came.refused && came.references) parts.push(progress.dataset.references);
  progress.textContent = parts.join(" ");
  announce(progress.textContent);
  if (came.refused) return;
  form.reset();
  window.location.assign(`/library?said=${nameOutcome(came)}`);
}

function nameOutcome({ added, known, references }) {
  if (added) return known ? "added_some" : "added";
  if (references) return "references";
  if (known) return known > 1 ? "all_known" : "known";
  return "unchanged";
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

function addLine(list, text) {
  const line = document.createElement("li");
  line.textContent = text;
  list.append(line);
}

async function add(form, file) {
  const body = new FormData();
  body.append("file", file);
  body.append("scope", form.elements.scope.value);
  try {
    const reply = await fetch("/library", { method: "POST", headers: { Accept: "application/json" }, body });
    const said = await reply.json();
    if (reply.ok) return { became: said.became };
    return { became: "refused", problem: `${file.name}: ${said.what} ${said.next}` };
  } catch {
    return { became: "refused", problem: file.name };
  }
}
