// The words that a line or an item rests on are lit up in the source beside it.
let lit = null;

export function startLight() {
  document.addEventListener("mouseover", (event) => onPoint(event.target));
  document.addEventListener("focusin", (event) => onPoint(event.target));
  document.addEventListener("click", (event) => {
    const chip = event.target.closest("button[data-start]");
    if (chip && window.matchMedia("(max-width: 1099px)").matches) {
      document.getElementById("drawer").classList.add("open");
      light(chip);
    }
  });
  document.body.addEventListener("htmx:beforeSwap", () => { lit = null; });
}

function onPoint(target) {
  const line = target.closest && target.closest("[data-start]");
  if (line && line !== lit) light(line);
}

function light(line) {
  const start = Number(line.dataset.start);
  const end = Number(line.dataset.end);
  if (start < 0) return;
  const block = findBlock(line.dataset.sourceId);
  if (!block) return;
  if (lit) lit.classList.remove("lighting");
  lit = line;
  line.classList.add("lighting");
  const place = block.querySelector("[data-source-text]");
  // Places are counted in characters; a script's strings count some of them twice.
  const characters = Array.from(place.textContent);
  const mark = document.createElement("mark");
  mark.textContent = characters.slice(start, end).join("");
  place.replaceChildren(characters.slice(0, start).join(""), mark, characters.slice(end).join(""));
  const pane = block.closest(".pane");
  pane.scrollTop += mark.getBoundingClientRect().top - pane.getBoundingClientRect().top - pane.clientHeight / 3;
}

function findBlock(id) {
  const blocks = [...document.querySelectorAll("[data-source]")];
  const wanted = id ? blocks.find((block) => block.dataset.source === id) : blocks[0];
  if (!wanted) return null;
  for (const block of blocks) block.hidden = block !== wanted;
  return wanted;
}
