// Rail, drawer, menus and dialogs: what opens, what closes it.
export function startPanels() {
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "dialog-body") openDialog();
  });
  for (const list of document.querySelectorAll('[role="tablist"]')) startTabs(list);
  // Only once the page is loaded does htmx hear the click that fetches the pane.
  window.addEventListener("load", openNamed, { once: true });
}

// An address may name the tab that it is about: a flag leads to the signs behind it.
function openNamed() {
  const name = new URLSearchParams(location.search).get("open");
  const tab = name && document.getElementById(`tab-${name}`);
  if (!tab) return;
  tab.focus();
  tab.click();
  document.getElementById("drawer").classList.add("open");
}

function onClick(event) {
  const target = event.target;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    const chose = target.closest("button, a") && menu.contains(target) && !target.closest("summary");
    if (!menu.contains(target) || chose) menu.open = false;
  }
  const toggle = target.closest("[data-toggle]");
  if (toggle) togglePanel(toggle);
  if (target.closest("[data-close-panels]")) closePanels();
  if (target.closest("[data-close-dialog]")) target.closest("dialog").close();
  if (target.closest("[data-then-close]")) document.getElementById("dialog").close();
  if (target.closest("[data-dismiss]")) target.closest(".alert").remove();
  if (target.matches("dialog[open]")) target.close();
}

function onKey(event) {
  if (event.key !== "Escape" || event.isComposing) return;
  for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
  closePanels();
  document.getElementById("alerts").replaceChildren();
}

function openDialog() {
  const dialog = document.getElementById("dialog");
  if (!dialog.open) dialog.showModal();
}

function togglePanel(toggle) {
  const panel = document.getElementById(toggle.dataset.toggle);
  const open = panel.classList.toggle("open");
  document.querySelector(".veil").hidden = !open;
  if (open) (panel.querySelector("input, [role=tab], a, button") || panel).focus();
}

function closePanels() {
  for (const panel of document.querySelectorAll(".rail.open, .drawer.open")) panel.classList.remove("open");
  const veil = document.querySelector(".veil");
  if (veil) veil.hidden = true;
}

function startTabs(list) {
  const tabs = [...list.querySelectorAll('[role="tab"]')];
  const show = (chosen) => {
    for (const tab of tabs) {
      const on = tab === chosen;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !on;
    }
  };
  for (const [place, tab] of tabs.entries()) {
    tab.addEventListener("click", () => show(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(place + step + tabs.length) % tabs.length];
      show(next);
      next.focus();
    });
  }
}
