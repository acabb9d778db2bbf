"use strict";
// Cards are drawn a page at a time from the data blocks; whatever a caption holds goes in as text, never as markup.
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const at = (id) => document.getElementById(id);
const [search, sort, filter, list] = ["search", "sort", "filter", "cards"].map(at);
const { cards, gallery } = read("card-data");
const PAGE = 30;
let pictures = null; // many megabytes: read when the first card is drawn
let fitting = cards;

const copy = (id) => at(id).content.firstElementChild.cloneNode(true);
const slot = (node, name) => node.querySelector(`[data-slot="${name}"]`);
const fill = (node, name, text) => { slot(node, name).textContent = text; };
function number(value, digits) {
  if (value === null) return "–";
  const shown = value.toFixed(digits);
  return Number(shown) === 0 ? shown.replace("-", "") : shown.replace("-", "−");
}
const signed = (value) => (Number(value?.toFixed(3)) > 0 ? "+" : "") + number(value, 3);
function added(parent, tag, text, kind) {
  const node = parent.appendChild(document.createElement(tag));
  node.textContent = text;
  if (kind) node.className = kind;
  return node;
}

function answer(said, side, title) {
  const node = copy("answer");
  node.classList.add(side);
  fill(node, "title", title);
  const caption = slot(node, "caption");
  said.pieces.forEach(([text, marked], i) => {
    if (i) caption.append(" ");
    if (marked) added(caption, side === "tuned" ? "ins" : "del", text);
    else caption.append(text);
  });
  if (!said.pieces.length) added(caption, "em", "(says nothing)");
  for (const flag of said.flags) added(slot(node, "flags"), "span", flag, "flag");
  fill(node, "rank", said.rank ?? "\u2013");
  for (const name of ["grc", "qir", "total"]) fill(node, name, number(said[name], 3));
  for (const [kind, ...counts] of said.facts) {
    const row = added(slot(node, "facts"), "tr", "");
    added(row, "th", kind).scope = "row";
    counts.forEach((count, i) => added(row, "td", count, i === 1 && count && !said.unmentioned ? "wrong" : count ? "" : "zero"));
  }
  if (said.unmentioned) { // held against the references, who leave true things out: not wrong, only not said there
    ["By the references", "there too", "not there", "missed"].forEach((name, i) => {
      slot(node, "truth").tHead.rows[0].cells[i].textContent = name;
    });
  }
  if (said.unmentioned?.length) fill(node, "unmentioned", `No reference names: ${said.unmentioned.join(", ")}`);
  else slot(node, "unmentioned").remove();
  if (!said.facts.length) slot(node, "truth").remove();
  for (const [id, score, cosine] of said.found) {
    const item = slot(node, "found").appendChild(copy("found"));
    if (pictures.gallery[id]) slot(item, "picture").src = pictures.gallery[id];
    fill(item, "cosine", number(cosine, 2));
    fill(item, "score", number(score, 2));
    fill(item, "caption", gallery[id]);
    item.title = gallery[id];
  }
  if (!said.found.length) slot(node, "found").remove();
  return node;
}

function drawn(card, position) {
  pictures ??= read("picture-data");
  const node = copy("card");
  node.setAttribute("aria-label", `Image ${position} of ${fitting.length}`);
  const picture = slot(node, "picture");
  picture.alt = `Source image ${card.id}`;
  picture.src = pictures.source[card.id];
  fill(node, "id", card.id);
  fill(node, "gain", signed(card.gain));
  for (const tag of [card.why, card.unchanged && "same caption"]) if (tag) added(slot(node, "tags"), "span", tag);
  slot(node, "sides").append(answer(card.base, "base", "Before"), answer(card.tuned, "tuned", "After"));
  for (const reference of card.references) added(slot(node, "references"), "p", reference);
  if (card.references.length > 1) slot(node, "references").firstElementChild.textContent = "References";
  if (!card.references.length) slot(node, "references").remove();
  return node;
}

function draw(count) {
  const from = list.children.length;
  list.append(...fitting.slice(from, from + count).map((card, i) => drawn(card, from + i + 1)));
  const left = fitting.length - list.children.length;
  at("more").textContent = `Show ${Math.min(PAGE, left)} more`;
  at("all").textContent = `Show all ${fitting.length}`;
  at("more").hidden = left === 0;
  at("all").hidden = left <= PAGE;
  return list.children[from];
}

const text = (card) => [card.id, ...card.references, ...[card.base, card.tuned].map(
  (said) => said.pieces.map(([part]) => part).join(" "))].join("\n").toLowerCase();
cards.forEach((card, i) => Object.assign(card, { order: i, text: text(card), qir: card.tuned.qir, rank: card.tuned.rank }));

function fits(card, key) {
  if (!key) return true;
  const [side, ...rest] = key.split(" ");
  const value = rest.join(" ");
  if (side === "why") return card.why === value;
  if (side === "gained") return card.gain > 0;
  if (side === "lost") return card.gain < 0; // null, unscorable, is neither
  if (side === "unchanged") return card.unchanged;
  return value ? card[side].flags.includes(value) : card[side].flags.length > 0;
}

function choose() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const [key, direction] = sort.value.split("-");
  const sign = direction === "down" ? -1 : 1;
  fitting = cards.filter((card) => fits(card, filter.value) && words.every((word) => card.text.includes(word)));
  fitting.sort((a, b) => {
    if (a[key] === null || b[key] === null) return (a[key] === null) - (b[key] === null) || a.order - b.order;
    return sign * (a[key] - b[key]) || a.order - b.order; // unscorable last
  });
  list.replaceChildren();
  draw(PAGE);
  const all = cards.length === 1 ? "1 image" : `${cards.length} images`;
  at("shown").textContent = fitting.length === cards.length ? all : `${fitting.length} of ${all}`;
  at("none").hidden = fitting.length > 0;
}

function step(by) {
  const here = [...list.children].indexOf(document.activeElement.closest(".card"));
  if (here + by >= list.children.length) draw(PAGE);
  const next = list.children[Math.max(0, Math.min(here + by, list.children.length - 1))];
  if (!next) return;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "start" });
}

search.addEventListener("input", choose);
sort.addEventListener("change", choose);
filter.addEventListener("change", choose);
search.form.addEventListener("submit", (event) => event.preventDefault());
at("more").addEventListener("click", () => draw(PAGE)?.focus({ preventScroll: true }));
at("all").addEventListener("click", async () => {
  const chosen = fitting;
  draw(PAGE)?.focus({ preventScroll: true });
  while (chosen === fitting && list.children.length < fitting.length) {
    draw(4 * PAGE);
    await new Promise(requestAnimationFrame); // 2,000 at once would freeze the page
  }
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && event.target === search) return search.blur();
  if (event.target.matches("input, select, textarea")) return;
  if (event.key === "/") {
    event.preventDefault();
    search.focus();
  }
  if (event.key === "j") step(1);
  if (event.key === "k") step(-1);
});
// After a reload, browsers put back what was typed and chosen before: only now.
addEventListener("pageshow", (event) => event.persisted || choose());
