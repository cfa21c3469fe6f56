// While the model writes: nothing else asks it, and the items that are written anew say so.
export function startRuns() {
  for (const kind of ["htmx:afterSettle", "htmx:oobAfterSwap", "htmx:sseClose", "htmx:load"]) document.body.addEventListener(kind, mark);
  mark();
}

function mark() {
  const runs = [...document.querySelectorAll("[data-running]")];
  for (const button of document.querySelectorAll("[data-asks-model]")) {
    const idle = button.hasAttribute("data-needs-choice") && !Number(button.dataset.count || 0);
    button.disabled = runs.length > 0 || idle;
  }
  const written = new Set(runs.flatMap((run) => (run.dataset.writes || "").split(" ")));
  for (const item of document.querySelectorAll(".item")) item.classList.toggle("rewriting", written.has(item.dataset.item));
}
