// A file dropped anywhere on a consultation goes into its text.
import { whenConnected } from "./connection.js";
import { announce, say } from "./words.js";

export function startFiles() {
  const input = document.getElementById("source-file");
  if (!input) return;
  input.addEventListener("change", () => { if (input.files.length) readAll([...input.files]); input.value = ""; });
  window.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  window.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
  window.addEventListener("drop", (event) => {
    document.body.classList.remove("dropping");
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    readAll([...event.dataTransfer.files]);
  });
}

async function readAll(files) {
  for (const file of files) await read(file);
}

async function read(file) {
  const input = document.getElementById("source-file");
  const note = document.getElementById("source-saved");
  note.textContent = say("readingFile");
  const body = new FormData();
  body.append("file", file);
  let reply;
  try {
    reply = await fetch(input.dataset.upload, { method: "POST", headers: { Accept: "application/json" }, body });
  } catch {
    whenConnected(file, () => read(file));
    return;
  }
  const said = await reply.json();
  if (!reply.ok) {
    note.textContent = `${file.name}: ${said.what} ${said.next}`;
    note.classList.add("waiting");
    announce(note.textContent);
    return;
  }
  const box = document.getElementById("source");
  const gap = box.value.trim() ? "\n\n" : "";
  box.value = box.value.trimEnd() + gap + said.text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
}
