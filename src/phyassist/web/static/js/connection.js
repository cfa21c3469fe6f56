// Losing the connection: a bar says so, what was sent is kept in memory and sent again when the server answers.
const waiting = new Map();
let timer = 0;
let pause = 1000;

export function isConnected() { return timer === 0; }

export function whenConnected(key, again) {
  waiting.set(key, again);
  showLost();
}

export function forget(key) {
  waiting.delete(key);
}

export function hasWaiting() { return waiting.size > 0; }

function showLost() {
  const bar = document.getElementById("bar");
  if (bar) bar.hidden = false;
  if (!timer) { pause = 1000; timer = window.setTimeout(knock, pause); }
}

async function knock() {
  try {
    const reply = await fetch("/alive", { cache: "no-store" });
    if (!reply.ok) throw new Error("not alive");
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

export function startConnection() {
  document.body.addEventListener("htmx:sendError", (event) => {
    const element = event.detail.elt;
    const config = event.detail.requestConfig;
    if (config && config.verb === "get") { whenConnected(element, () => {}); return; }
    // The form still holds its words: sending again is pressing its button again.
    whenConnected(element, () => { if (element.isConnected) window.htmx.trigger(element, element.matches("form") ? "submit" : "click"); });
  });
  document.body.addEventListener("htmx:sseError", (event) => {
    whenConnected(event.detail.elt || event.target, () => {});
  });
  document.body.addEventListener("htmx:sseOpen", (event) => { forget(event.target); });
  window.addEventListener("offline", () => whenConnected("offline", () => {}));
}
