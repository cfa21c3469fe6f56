// Keys that work everywhere; `?` lists them.
import { endsComposition } from "./ime.js";
import { lockNow } from "./lock.js";

export function startKeys() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => { if (event.target.closest("[data-open-keys]")) document.getElementById("keys").showModal(); });
  const find = document.getElementById("find");
  if (find) find.addEventListener("keydown", onFindKey);
}

function onKey(event) {
  if (event.ctrlKey && event.key === ".") { event.preventDefault(); lockNow(); return; }
  const find = document.getElementById("find");
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && find) {
    event.preventDefault();
    document.getElementById("rail").classList.add("open");
    find.focus();
    find.select();
    return;
  }
  if (event.altKey && !event.ctrlKey && onAltKey(event)) { event.preventDefault(); return; }
  const typing = event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select");
  const keys = document.getElementById("keys");
  if (event.key === "?" && !typing && keys && !keys.open) { event.preventDefault(); keys.showModal(); }
}

function onAltKey(event) {
  const tabs = document.querySelectorAll(".tabs a");
  const number = Number(event.code.replace("Digit", ""));
  if (number >= 1 && number <= tabs.length) { tabs[number - 1].click(); return true; }
  if (event.code === "KeyN") {
    const fresh = document.querySelector(".new");
    if (fresh) fresh.click();
    return Boolean(fresh);
  }
  return false;
}

function onFindKey(event) {
  const links = document.querySelectorAll("#rail-list a");
  if (event.key === "Enter") {
    if (endsComposition(event)) { event.preventDefault(); return; }
    if (document.querySelector("#rail-list .found") && links.length) { event.preventDefault(); links[0].click(); }
  }
  if (event.key === "ArrowDown" && links.length) { event.preventDefault(); links[0].focus(); }
  if (event.key === "Escape" && !event.isComposing && event.target.value) {
    event.preventDefault();
    event.target.value = "";
    window.htmx.trigger(event.target, "input");
  }
}
