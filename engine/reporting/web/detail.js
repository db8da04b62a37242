// One resource: why, who, what is sent, and its differences side by side.

const detail = document.getElementById("detail");

function isNarrow() {
  return window.matchMedia("(max-width: 760px)").matches;
}

function showDetail(row) {
  if (row.state < 0) return detail;
  const [word, sign, tone] = report.states[row.state];
  const close = element("button", { type: "button", class: "close" }, "Close");
  close.addEventListener("click", closeDetail);
  const title = element("h2", {}, element("span", { class: tone }, `${sign} ${word}`), ` ${row.n}`);
  const parts = [close, title];
  if (row.r) parts.push(element("p", {}, row.r));
  for (const remark of row.m || []) parts.push(element("p", {}, remark));
  parts.push(facts(row));
  if (row.c) parts.push(differences(row.c));
  if (row.x) parts.push(element("p", { class: "dim" }, `${row.x.toLocaleString("en")} more differences are not on this page; -o json has them.`));
  parts.push(...links("After", row.a || []), ...links("Before", neededBy(row)));
  detail.replaceChildren(...parts);
  detail.hidden = false;
  detail.scrollTop = 0;
  history.replaceState(null, "", `#${encodeURIComponent(row.n)}`);
  return detail;
}

function closeDetail() {
  detail.hidden = true;
  drawRows();
  tree.focus();
}

function facts(row) {
  const list = element("dl");
  const add = (name, value) => value && list.append(element("dt", {}, name), element("dd", {}, value));
  add("type", row.t);
  add("id", row.i);
  add("manifest", row.o);
  add("sends", row.q);
  if (row.b) add("changed by", `${row.b[0]} (${row.b[1]}), ${timeText(row.b[2])}`);
  if (row.w) add("wave", String(row.w));
  return list;
}

function timeText(iso) {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}

function neededBy(row) {
  return rows.filter((other) => (other.a || []).includes(row.index)).map((other) => other.index);
}

function links(title, indexes) {
  if (!indexes.length) return [];
  const list = element("ul");
  for (const index of indexes.slice(0, 100)) {
    const button = element("button", { type: "button", class: "link" }, rows[index].n);
    button.addEventListener("click", () => reveal(rows[index]));
    list.append(element("li", {}, button));
  }
  const more = indexes.length > 100 ? ` (${indexes.length.toLocaleString("en")}, the first 100)` : "";
  return [element("h2", {}, title + more), list];
}

function differences(changes) {
  const sides = [2, 3].filter((side) => changes.some((change) => change[5] || change[side] !== null));
  const names = sides.map((side) => report.sides[side - 2]);
  const head = element("tr", {}, ...["field", ...names].map((name) => element("th", { scope: "col" }, name)));
  const body = element("tbody");
  for (const [sign, place, before, after, note, lines] of changes) {
    const name = element("th", { scope: "row" }, `${sign}\u00a0${place}`);
    if (note) name.append(element("span", { class: "note" }, note));
    const pairs = lines ? pairLines(lines) : [[before, after]];
    if (pairs.length > 1) name.setAttribute("rowspan", pairs.length);
    pairs.forEach((pair, at) => body.append(element("tr", {}, at ? null : name, ...cells(pair, sides))));
  }
  return element("table", { class: "diff" }, element("thead", {}, head), body);
}

function cells([old, now], sides) {
  const texts = old !== null && now !== null && old !== now ? marked(old, now) : [[old || ""], [now || ""]];
  const tones = old === now ? ["", ""] : [old === null ? "" : "gone", now === null ? "" : "come"];
  return sides.map((side) => {
    const at = side - 2;
    return element("td", { class: tones[at], "data-side": report.sides[at] }, ...texts[at]);
  });
}

// Returns both texts with the part that differs marked, where most of them is the same.
function marked(old, now) {
  let start = 0;
  let end = 0;
  const least = Math.min(old.length, now.length);
  while (start < least && old[start] === now[start]) start++;
  while (end < least - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end++;
  if ((start + end) * 2 < Math.max(old.length, now.length)) return [[old], [now]];
  return [old, now].map((text) => [
    text.slice(0, start),
    element("mark", {}, text.slice(start, text.length - end)),
    text.slice(text.length - end),
  ]);
}

// Pairs removed lines with the added ones that follow them; what stands on both sides is the same.
function pairLines(lines) {
  const pairs = [];
  let old = [];
  let now = [];
  const flush = () => {
    for (let at = 0; at < Math.max(old.length, now.length); at++) pairs.push([old[at] ?? null, now[at] ?? null]);
    old = [];
    now = [];
  };
  for (const [sign, text] of lines) {
    if (sign === "-") old.push(text);
    else if (sign === "+") now.push(text);
    else {
      flush();
      pairs.push([text, text]);
    }
  }
  flush();
  return pairs;
}

detail.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeDetail();
});
