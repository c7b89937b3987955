"use strict";
// What a page does beyond being read: figures enlarge, tables sort, sections open. Without it all of it reads well.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function made(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// ---- Tables

// A cell as a number where it is one; what is not known is null and stands last.
function key(cell) {
  const text = (cell.dataset.sort ?? cell.firstChild?.textContent ?? "").trim();
  const bare = text.replace(/[\s\u202f\u00a0]/g, "").replace("\u2212", "-");
  if (["", "\u2013"].includes(bare)) return null;
  if (bare === "-\u221e") return -Infinity;
  if (bare === "notreached") return Infinity;
  const found = bare.match(/^[<>\u2264\u2265]?(-?\d*\.?\d+(?:e[-+]?\d+)?)(Ki|Mi|k|M)?%?$/);
  return found ? found[1] * ({Ki: 1024, Mi: 1048576, k: 1e3, M: 1e6}[found[2]] ?? 1) : text;
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a < b ? -1 : Number(a > b);
  return String(a).localeCompare(String(b), "en", {numeric: true});
}

function sort(table, head) {
  const column = head.cellIndex, ascending = head.getAttribute("aria-sort") !== "ascending";
  for (const other of all("th[aria-sort]", table)) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map(row => [key(row.cells[column]), row]);
  const known = rows.filter(([value]) => value !== null), unknown = rows.filter(([value]) => value === null);
  known.sort(([a], [b]) => ascending ? compare(a, b) : compare(b, a));
  body.append(...[...known, ...unknown].map(([, row]) => row));
}

for (const table of all("table.sortable")) {
  if (table.tBodies[0].rows.length < 2) continue;
  for (const head of all("thead th", table)) {
    const button = made("button", {type: "button", title: "Sort by this column"}, ...head.childNodes);
    button.addEventListener("click", () => sort(table, head));
    head.append(button);
  }
}

// ---- Figures

const dialog = made("dialog", {className: "enlarged"});
const close = made("button", {type: "button", textContent: "Close"});
const picture = made("img"), caption = made("p", {id: "enlarged-caption"});
dialog.setAttribute("aria-labelledby", caption.id);
const place = made("div", {className: "place", tabIndex: 0}, picture);
place.setAttribute("role", "group");
place.setAttribute("aria-label", "Figure");
dialog.append(made("div", {className: "bar"}, caption, close), place);
document.body.append(dialog);
close.addEventListener("click", () => dialog.close());
dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });

for (const figure of all("figure.picture")) {
  const image = figure.querySelector("img"), title = figure.querySelector("figcaption b").textContent;
  const open = () => {
    picture.src = image.src;
    picture.alt = image.alt;
    caption.textContent = title;
    dialog.showModal();
  };
  image.addEventListener("click", open);
  const button = made("button", {type: "button", textContent: "Enlarge"});
  button.setAttribute("aria-label", `Enlarge: ${title}`);
  button.addEventListener("click", open);
  figure.querySelector(".files").prepend(button, " ");
}

// ---- Sections

const folds = all("details");

function reveal() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const fold = target && (target.closest("details") ?? target.querySelector("details"));
  if (fold && !fold.open) {
    fold.open = true;
    target.scrollIntoView();
  }
}

addEventListener("hashchange", reveal);
for (const link of all('a[href^="#"]')) link.addEventListener("click", () => setTimeout(reveal));
reveal();

const contents = document.querySelector("nav");
if (contents && folds.length) {
  const toggle = made("button", {type: "button", textContent: "Open all sections"});
  toggle.addEventListener("click", () => {
    const opened = folds.some(fold => !fold.open);
    for (const fold of folds) fold.open = opened;
    toggle.textContent = opened ? "Close all sections" : "Open all sections";
  });
  contents.append(toggle);
}

let printed = [];
addEventListener("beforeprint", () => {
  printed = folds.filter(fold => !fold.open);
  for (const fold of printed) fold.open = true;
});
addEventListener("afterprint", () => { for (const fold of printed) fold.open = false; });
