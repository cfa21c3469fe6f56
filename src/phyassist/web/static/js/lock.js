// The privacy screen: on idle and on Ctrl + period.  It covers the page at once and ends the login.
import { flush, hasUnsaved } from "./autosave.js";
import { hasTyped } from "./typed.js";

let idleTimer = 0;
let locked = false;

export function startLock() {
  const minutes = Number(document.body.dataset.idleMin || 0);
  if (!minutes) return;
  const wake = () => {
    window.clearTimeout(idleTimer);
    idleTimer = window.setTimeout(lockNow, minutes * 60000);
  };
  for (const kind of ["keydown", "pointerdown", "pointermove", "wheel", "scroll"]) window.addEventListener(kind, wake, { passive: true, capture: true });
  wake();
  const form = document.querySelector("[data-lock-form]");
  if (form) form.addEventListener("submit", (event) => { event.preventDefault(); lockNow(); });
  document.getElementById("privacy-form").addEventListener("submit", unlock);
  document.body.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status === 401) showLock(); });
}

export function showLock() {
  locked = true;
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  document.body.classList.add("locked");
  document.getElementById("shell").inert = true;
  document.getElementById("privacy").hidden = false;
  document.getElementById("privacy-passphrase").focus();
}

export async function lockNow() {
  if (locked || !document.getElementById("privacy")) return;
  showLock();
  await Promise.race([flush(), new Promise((done) => window.setTimeout(done, 2000))]);
  try {
    await fetch("/lock", { method: "POST", headers: { Accept: "application/json" } });
  } catch {
    return;
  }
  // With nothing unsaved the page's text need not stay in this window at all.
  if (!hasUnsaved() && !hasTyped()) window.location.replace(`/unlock?next=${encodeURIComponent(window.location.pathname)}`);
}

async function unlock(event) {
  event.preventDefault();
  const form = event.target;
  const problem = document.getElementById("privacy-problem");
  let reply;
  try {
    reply = await fetch("/unlock", { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams(new FormData(form)) });
  } catch {
    return;
  }
  if (!reply.ok) {
    const fault = await reply.json().catch(() => ({ what: "", next: "" }));
    problem.textContent = `${fault.what} ${fault.next}`;
    form.querySelector("input").select();
    return;
  }
  form.reset();
  problem.textContent = "";
  locked = false;
  document.body.classList.remove("locked");
  document.getElementById("shell").inert = false;
  document.getElementById("privacy").hidden = true;
  document.getElementById("alerts").replaceChildren();
  flush();
}
