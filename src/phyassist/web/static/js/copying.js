// Words on the clipboard, and the button says what became of them.
import { announce, say } from "./words.js";

export async function copy(button, text) {
  const said = say(await write(button, text) ? "copied" : "notCopied");
  const before = button.textContent;
  button.textContent = said;
  announce(said);
  window.setTimeout(() => { button.textContent = before; }, 2000);
}

// Over plain http a browser gives a page no clipboard, but it still copies what is selected.
async function write(button, text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const box = document.createElement("textarea");
  box.className = "unseen";
  box.value = text;
  button.after(box);
  box.select();
  const copied = document.execCommand("copy");
  box.remove();
  button.focus();
  return copied;
}
