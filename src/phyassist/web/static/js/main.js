// Everything that the pages do by themselves, beyond what htmx does for them.
import { startAutosave } from "./autosave.js";
import { startChat } from "./chat.js";
import { startConnection } from "./connection.js";
import { startFiles } from "./files.js";
import { startItems } from "./items.js";
import { startKeys } from "./keys.js";
import { startLibrary } from "./library.js";
import { startLight } from "./light.js";
import { startLock } from "./lock.js";
import { startPanels } from "./panels.js";
import { startPaper } from "./paper.js";
import { startRuns } from "./runs.js";
import { startTyped } from "./typed.js";

startConnection();
startAutosave();
startChat();
startFiles();
startItems();
startKeys();
startLibrary();
startLight();
startLock();
startPanels();
startPaper();
startRuns();
startTyped();
for (const input of document.querySelectorAll("[data-zone]")) {
  input.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
}
// On a narrow screen the tabs scroll; the one that is open must be seen.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
document.documentElement.dataset.ready = "yes";
