// An Enter that ends an input method's composition is not an Enter to the page.
// Some browsers send compositionend before that keydown: the first Enter within the same press is swallowed too.
let endedAt = -Infinity;
const SAME_PRESS_MS = 60;

document.addEventListener("compositionend", () => { endedAt = performance.now(); }, true);
document.addEventListener("compositionstart", () => { endedAt = -Infinity; }, true);
document.addEventListener("keyup", () => { endedAt = -Infinity; }, true);

export function endsComposition(event) {
  if (event.isComposing || event.keyCode === 229) return true;
  if (event.key !== "Enter") return false;
  const samePress = performance.now() - endedAt < SAME_PRESS_MS;
  // Whatever this Enter was, the next one is the counsellor's own.
  endedAt = -Infinity;
  return samePress;
}
