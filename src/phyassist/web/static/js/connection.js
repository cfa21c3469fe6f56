// Losing the connection, or the server its database: a bar says so, what was sent is kept in memory and sent
// again when both answer.
const waiting = new Map();
let timer = 0;
let pause = 1000;

export function isConnected() { return timer === 0; }

export function whenConnected(key, again) {
  waiting.set(key, again);
  showLost("lost");
}

// The server answers, but it cannot save just now: it says after how long to try again.
export function isAway(status, retryAfter) { return status === 503 && Boolean(retryAfter); }

export function whenStored(key, again) {
  waiting.set(key, again);
  showLost("away");
}

export function forget(key) {
  waiting.delete(key);
}

export function hasWaiting() { return waiting.size > 0; }

function showLost(why) {
  const bar = document.getElementById("bar");
  if (bar) {
    const words = bar.querySelector("[data-lost]");
    words.textContent = words.dataset[why];
    bar.hidden = false;
  }
  if (!timer) { pause = 1000; timer = window.setTimeout(knock, pause); }
}

async function knock() {
  try {
    const reply = await fetch("/alive?store=yes", { cache: "no-store", headers: { Accept: "application/json" } });
    if (!reply.ok) { showLost("away"); throw new Error("not alive"); }
  } catch {
    pause = Math.min(pause * 1.5, 10000);
    timer = window.setTimeout(knock, pause);
    return;
  }
  timer = 0;
  const bar = document.getElementById("bar");
  if (bar) bar.hidden = true;
  const again = [...waiting.values()];
  waiting.clear();
  for (const each of again) each();
}

// The form still holds its words, and a part of the page that was asked for is still wanted.
function sendAgain({ elt, verb, path }) {
  if (!elt.isConnected) return;
  if (verb === "get" || elt.matches("input")) window.htmx.ajax(verb.toUpperCase(), path, { source: elt });
  else window.htmx.trigger(elt, elt.matches("form") ? "submit" : "click");
}

export function startConnection() {
  document.body.addEventListener("htmx:sendError", (event) => {
    const config = event.detail.requestConfig;
    whenConnected(event.detail.elt, () => sendAgain(config));
  });
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (!isAway(xhr.status, xhr.getResponseHeader("Retry-After"))) return;
    // In place of an alert: what was asked is asked again, once the database answers.
    event.detail.shouldSwap = false;
    whenStored(requestConfig.elt, () => sendAgain(requestConfig));
  });
  document.body.addEventListener("htmx:sseError", (event) => {
    whenConnected(event.detail.elt || event.target, () => {});
  });
  document.body.addEventListener("htmx:sseOpen", (event) => { forget(event.target); });
  window.addEventListener("offline", () => whenConnected("offline", () => {}));
}
