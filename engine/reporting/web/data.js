// What the page shows: rows of the report in the order of the tree, and which of them are visible.

const report = JSON.parse(document.getElementById("report").textContent);
const rows = report.rows.map(([depth, state, members], index) => ({ index, depth, state, parent: -1, below: 0, ...members }));
const folded = new Set();
const filter = { words: [], who: "", states: new Set() };

const openRows = [];
for (const row of rows) {
  openRows.length = row.depth;
  row.parent = row.depth ? openRows[row.depth - 1].index : -1;
  openRows.push(row);
}
for (let i = rows.length - 1; i >= 0; i--) {
  const row = rows[i];
  if (row.parent >= 0) rows[row.parent].below += row.below + (row.state >= 0 && !report.states[row.state][3] ? 1 : 0);
}

function haystack(row) {
  if (row.hay === undefined) {
    const parts = [row.n, row.t, row.i, row.o, row.r, ...(row.m || []), ...(row.b || [])];
    for (const change of row.c || []) {
      parts.push(change[1], change[2], change[3], change[4]);
      for (const line of change[5] || []) parts.push(line[1]);
    }
    row.hay = parts.filter(Boolean).join("\n").toLowerCase();
  }
  return row.hay;
}

function matches(row) {
  if (row.state < 0 || !filter.states.has(row.state)) return false;
  if (filter.who && !(row.g || "").includes(filter.who)) return false;
  return filter.words.every((word) => haystack(row).includes(word));
}

// Returns the rows to list: what matches and what it lies in, but for what is folded; and how many match.
function visibleRows() {
  const shown = new Uint8Array(rows.length);
  let count = 0;
  for (const row of rows) row.inner = false;
  for (let i = rows.length - 1; i >= 0; i--) {
    const row = rows[i];
    const match = matches(row);
    if (match) count++;
    if (!match && !row.inner) continue;
    shown[i] = 1;
    if (row.parent >= 0) rows[row.parent].inner = true;
  }
  const list = [];
  const sizes = new Map();
  let skip = Infinity;
  for (const row of rows) {
    if (row.depth > skip || !shown[row.index]) continue;
    skip = folded.has(row.index) ? row.depth : Infinity;
    row.position = (sizes.get(row.parent) || 0) + 1;
    sizes.set(row.parent, row.position);
    list.push(row);
  }
  return { list, sizes, count };
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}
