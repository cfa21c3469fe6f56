// The few words that scripts need stand in the page, in its language.
export function say(name, values = {}) {
  const words = document.getElementById("words");
  let text = (words && words.dataset[name]) || "";
  for (const [key, value] of Object.entries(values)) text = text.replace(`{${key}}`, value);
  return text;
}

export function announce(text) {
  const live = document.getElementById("live");
  if (live) live.textContent = text;
}
