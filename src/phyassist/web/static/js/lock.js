// The privacy screen: on idle and on Ctrl + period.  It covers every window at once and ends the login, which
// they share.
import { flush, hasUnsaved } from "./autosave.js";
import { forget, whenConnected, whenStored } from "./connection.js";
import { hasTyped } from "./typed.js";
import { say } from "./words.js";

const TELL_EVERY_MS = 1000;
const HEARING_MS = 200;
let locked = false;
let windows = null;
let idleMs = 0;
let idleTimer = 0;
let sureTimer = 0;
let usedAt = 0;
let toldAt = 0;

export function startLock() {
  idleMs = Number(document.body.dataset.idleMin || 0) * 60000;
  if (!idleMs) return;
  windows = new BroadcastChannel("desk");
  windows.addEventListener("message", ({ data }) => {
    if (data.locked) cover(); else usedAt = Math.max(usedAt, data.usedAt);
  });
  for (const kind of ["keydown", "pointerdown", "pointermove", "wheel", "scroll"]) window.addEventListener(kind, wake, { passive: true, capture: true });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) watch(); });
  use();
  watch();
  const form = document.querySelector("[data-lock-form]");
  if (form) form.addEventListener("submit", (event) => { event.preventDefault(); lockNow(); });
  document.getElementById("privacy-form").addEventListener("submit", unlock);
  document.body.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status === 401) showLock(); });
}

// A timer stands still while the computer sleeps; the clock on the wall does not, so the clock decides.
function isIdle() { return Date.now() >= usedAt + idleMs; }

function watch() {
  window.clearTimeout(idleTimer);
  if (locked) return;
  if (isIdle()) makeSure(); else idleTimer = window.setTimeout(watch, usedAt + idleMs - Date.now());
}

function wake() {
  if (locked) return;
  if (isIdle()) makeSure(); else use();
}

// A window that the browser had put to rest hears of the others a moment after it is woken.
function makeSure() {
  if (sureTimer) return;
  sureTimer = window.setTimeout(() => {
    sureTimer = 0;
    if (isIdle()) lockNow(); else watch();
  }, HEARING_MS);
}

function use() {
  usedAt = Date.now();
  if (usedAt - toldAt < TELL_EVERY_MS) return;
  toldAt = usedAt;
  windows.postMessage({ usedAt });
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
  if (locked || !windows) return;
  windows.postMessage({ locked: true });
  showLock();
  if (await endLogin()) leave();
}

// Another window was locked, and ends the login.
async function cover() {
  if (locked) return;
  showLock();
  await saveAll();
  leave();
}

async function endLogin() {
  await saveAll();
  if (!locked) return false;
  try {
    const reply = await fetch("/lock", { method: "POST", headers: { Accept: "application/json" } });
    if (!reply.ok) whenStored("lock", lockAgain);
    return reply.ok;
  } catch {
    whenConnected("lock", lockAgain);
    return false;
  }
}

async function lockAgain() { if (await endLogin()) leave(); }

function saveAll() { return Promise.race([flush(), new Promise((done) => window.setTimeout(done, 2000))]); }

// With nothing unsaved the page's text need not stay in this window at all.
function leave() {
  if (locked && !hasUnsaved() && !hasTyped()) window.location.replace(`/unlock?next=${encodeURIComponent(window.location.pathname)}`);
}

async function unlock(event) {
  event.preventDefault();
  const form = event.target;
  const problem = document.getElementById("privacy-problem");
  let reply;
  try {
    reply = await fetch("/unlock", { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams(new FormData(form)) });
  } catch {
    problem.textContent = say("unreached");
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
  forget("lock");
  use();
  watch();
  document.body.classList.remove("locked");
  document.getElementById("shell").inert = false;
  document.getElementById("privacy").hidden = true;
  document.getElementById("alerts").replaceChildren();
  flush();
}
