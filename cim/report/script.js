"use strict";
// Gallery pictures come once each, in one JSON block, and are put in as their card nears the screen.
const thumbnails = JSON.parse(document.getElementById("thumbnails").textContent);
const cards = [...document.querySelectorAll(".card")];
const list = document.getElementById("cards");
const search = document.getElementById("search");
const sort = document.getElementById("sort");
const filter = document.getElementById("filter");

const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    for (const image of target.querySelectorAll("img[data-thumbnail]")) {
      const source = thumbnails[image.dataset.thumbnail];
      if (source) image.src = source;
    }
  }
}, { rootMargin: "800px" });
cards.forEach((card) => near.observe(card));

const texts = new Map(cards.map((card) => [card, card.textContent.toLowerCase()]));
const value = (card, key) => (card.dataset[key] === "" ? NaN : Number(card.dataset[key]));

function order() {
  const [key, direction] = sort.value.split("-");
  const sign = direction === "down" ? -1 : 1;
  cards.sort((a, b) => {
    const [x, y] = [value(a, key), value(b, key)];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y); // unscorable last
    return sign * (x - y) || value(a, "order") - value(b, "order");
  });
  list.append(...cards);
}

function show() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const card of cards) {
    const fits = words.every((word) => texts.get(card).includes(word))
      && (!filter.value || card.dataset.tags.split("|").includes(filter.value));
    card.hidden = !fits;
    shown += fits;
  }
  document.getElementById("shown").textContent = shown === 1 ? "1 image" : `${shown} images`;
  document.getElementById("none").hidden = shown > 0;
}
search.addEventListener("input", show);
sort.addEventListener("change", order);
filter.addEventListener("change", show);
search.form.addEventListener("submit", (event) => event.preventDefault());

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && event.target === search) return search.blur();
  if (typing) return;
  if (event.key === "/") {
    event.preventDefault();
    search.focus();
  }
  if (event.key === "j" || event.key === "k") {
    const visible = cards.filter((card) => !card.hidden);
    const here = visible.indexOf(document.activeElement.closest(".card"));
    const next = visible[event.key === "j" ? Math.min(here + 1, visible.length - 1) : Math.max(here - 1, 0)];
    if (!next) return;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "start" });
  }
});
