// The list of resources: only what is in sight stands in the document, however long the list is.

const ROW = 34;
const MARGIN = 12;
const scroller = document.getElementById("scroller");
const tree = document.getElementById("tree");
let visible = { list: [], sizes: new Map(), count: 0 };
let active = -1;
let drawing = 0;

function showList() {
  visible = visibleRows();
  tree.style.height = `${visible.list.length * ROW}px`;
  const total = rows.filter((row) => row.state >= 0).length;
  document.getElementById("count").textContent = `${visible.count.toLocaleString("en")} of ${total.toLocaleString("en")}`;
  if (!visible.list.some((row) => row.index === active)) active = visible.list.length ? visible.list[0].index : -1;
  drawRows();
}

function drawRows() {
  drawing = 0;
  const first = Math.max(0, Math.floor(scroller.scrollTop / ROW) - MARGIN);
  const last = Math.min(visible.list.length, Math.ceil((scroller.scrollTop + scroller.clientHeight) / ROW) + MARGIN);
  const drawn = [];
  for (let at = first; at < last; at++) drawn.push(drawRow(visible.list[at], at));
  tree.replaceChildren(...drawn);
  if (active >= 0) tree.setAttribute("aria-activedescendant", `r${active}`);
  else tree.removeAttribute("aria-activedescendant");
}

function drawRow(row, at) {
  const isPlace = row.state < 0;
  const [word, sign, tone] = isPlace ? ["", "", "dim"] : report.states[row.state];
  const line = element("div", {
    id: `r${row.index}`,
    role: "treeitem",
    class: "row",
    "aria-level": row.depth + 1,
    "aria-posinset": row.position,
    "aria-setsize": visible.sizes.get(row.parent),
    "aria-selected": row.index === active,
    "aria-label": isPlace ? `${row.n}, ${row.below} with differences` : `${row.n}, ${word}${row.q ? `, ${row.q}` : ""}`,
  });
  if (row.inner) line.setAttribute("aria-expanded", !folded.has(row.index));
  line.style.top = `${at * ROW}px`;
  line.style.paddingLeft = `${6 + row.depth * 16}px`;
  const tail = [row.q, row.below && row.inner ? `${row.below} within` : "", isPlace ? "" : word].filter(Boolean).join("  ·  ");
  line.append(
    element("span", { class: "fold" }, row.inner ? (folded.has(row.index) ? "▸" : "▾") : ""),
    element("span", { class: `sign ${tone}` }, sign),
    element("span", { class: isPlace ? "name place" : "name" }, row.n),
    element("span", { class: "type" }, row.t || ""),
    element("span", { class: `tail ${tone}` }, tail),
  );
  line.addEventListener("click", (event) => {
    choose(row.index);
    if (row.inner && (isPlace || event.target.className === "fold")) fold(row, !folded.has(row.index));
    else showDetail(row);
  });
  return line;
}

function choose(index) {
  active = index;
  const at = visible.list.findIndex((row) => row.index === index);
  if (at * ROW < scroller.scrollTop) scroller.scrollTop = at * ROW;
  const bottom = (at + 1) * ROW - scroller.clientHeight;
  if (bottom > scroller.scrollTop) scroller.scrollTop = bottom;
  drawRows();
}

function fold(row, isFolded) {
  if (isFolded) folded.add(row.index);
  else folded.delete(row.index);
  showList();
}

// Shows a row wherever it is: what hides it is unfolded, and the filter is put aside where it does.
function reveal(row) {
  for (let at = row.parent; at >= 0; at = rows[at].parent) folded.delete(at);
  showList();
  if (!visible.list.includes(row)) clearFilter();
  choose(row.index);
  showDetail(row);
}

function treeKey(event) {
  const at = visible.list.findIndex((row) => row.index === active);
  const row = visible.list[at];
  if (!row) return;
  const page = Math.max(1, Math.floor(scroller.clientHeight / ROW) - 1);
  const last = visible.list.length - 1;
  const moves = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: last, PageUp: at - page, PageDown: at + page };
  if (event.key in moves) {
    choose(visible.list[Math.min(last, Math.max(0, moves[event.key]))].index);
    if (!document.getElementById("detail").hidden && rows[active].state >= 0 && !isNarrow()) showDetail(rows[active]);
  } else if (event.key === "ArrowRight" && row.inner) {
    if (folded.has(row.index)) fold(row, false);
    else choose(visible.list[at + 1].index);
  } else if (event.key === "ArrowLeft") {
    if (row.inner && !folded.has(row.index)) fold(row, true);
    else if (row.parent >= 0) choose(row.parent);
  } else if (event.key === "Enter" || event.key === " ") {
    if (row.state < 0) fold(row, !folded.has(row.index));
    else showDetail(row).focus();
  } else return;
  event.preventDefault();
}

scroller.addEventListener("scroll", () => (drawing ||= requestAnimationFrame(drawRows)));
window.addEventListener("resize", () => (drawing ||= requestAnimationFrame(drawRows)));
tree.addEventListener("keydown", treeKey);
