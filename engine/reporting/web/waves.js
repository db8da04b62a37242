// The writes of a plan as a graph: a column for each wave, an edge to what must be there first.

const MOST_NODES = 150;
const WIDTH = 270;
const HEIGHT = 34;

function drawWaves(view) {
  const steps = rows.filter((row) => row.w);
  if (!steps.length) {
    view.replaceChildren(element("p", {}, "Nothing is written."));
    return;
  }
  const nodes = steps.length <= MOST_NODES ? steps.map((row) => ({ rows: [row], title: row.n })) : groupSteps(steps);
  const nodeOf = new Map();
  for (const node of nodes) for (const row of node.rows) nodeOf.set(row.index, node);
  const columns = [];
  for (const node of nodes) {
    node.wave = node.rows[0].w;
    const column = (columns[node.wave] ||= []);
    node.y = 30 + column.push(node) * HEIGHT - HEIGHT;
    node.x = 12 + (node.wave - 1) * (WIDTH + 60);
  }
  const tallest = Math.max(...columns.filter(Boolean).map((column) => column.length));
  const width = columns.length * (WIDTH + 60);
  const height = 40 + tallest * HEIGHT;
  const graph = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Waves of the plan" });
  columns.forEach((column, wave) => graph.append(text(12 + (wave - 1) * (WIDTH + 60), 18, `wave ${wave}`)));
  graph.append(...drawEdges(nodes, nodeOf), ...nodes.map(drawNode));
  const hint = nodes.length < steps.length ? `${steps.length.toLocaleString("en")} resources, one box for each type, state and wave.` : "";
  view.replaceChildren(element("p", { class: "dim" }, `What is in one wave is written at the same time. ${hint}`), graph);
}

function groupSteps(steps) {
  const groups = new Map();
  for (const row of steps) {
    const key = [row.w, row.t, row.state].join("\n");
    if (!groups.has(key)) groups.set(key, { rows: [], title: "" });
    groups.get(key).rows.push(row);
  }
  for (const group of groups.values()) {
    const type = group.rows[0].t.split("@")[0].split("/").slice(1).join("/");
    group.title = `${group.rows.length.toLocaleString("en")} × ${type}`;
  }
  return [...groups.values()];
}

// Draws what is needed at once; what is needed through something else is left out, unless boxes stand for many.
function drawEdges(nodes, nodeOf) {
  const drawn = new Map();
  const above = new Map();
  const allAbove = (index) => {
    if (!above.has(index)) {
      above.set(index, new Set());
      const found = (rows[index].a || []).flatMap((next) => [next, ...allAbove(next)]);
      above.set(index, new Set(found));
    }
    return above.get(index);
  };
  const isShort = nodes.length <= MOST_NODES && nodes.every((node) => node.rows.length === 1);
  nodes.forEach((node, to) => {
    for (const row of node.rows)
      for (const index of row.a || []) {
        const from = nodeOf.get(index);
        if (!from || from === node) continue;
        if (isShort && row.a.some((other) => other !== index && allAbove(other).has(index))) continue;
        const isLong = row.l > 1 && rows[index].l === row.l - 1;
        const key = `${from.wave} ${from.y} ${to}`;
        if (isLong || !drawn.has(key)) drawn.set(key, { from, node, isLong });
      }
  });
  return [...drawn.values()].map(({ from, node, isLong }) => {
    const [x, y, toX, toY] = [from.x + WIDTH, from.y + 13, node.x, node.y + 13];
    const bend = Math.max(30, (toX - x) / 2);
    const d = `M${x} ${y}C${x + bend} ${y} ${toX - bend} ${toY} ${toX} ${toY}`;
    return shape("path", { class: isLong ? "edge long" : "edge", d });
  });
}

function drawNode(node) {
  const row = node.rows[0];
  const [word, sign, tone] = report.states[row.state];
  const box = shape("g", { role: "button", tabindex: 0, class: tone, "aria-label": `wave ${node.wave}, ${word}, ${node.title}` });
  box.append(
    shape("title", {}, `${word}: ${node.title}`),
    shape("rect", { x: node.x, y: node.y, width: WIDTH, height: 26, rx: 6, "stroke-width": row.l ? 2.5 : 1 }),
    text(node.x + 8, node.y + 17, `${sign} ${node.title.length > 36 ? `${node.title.slice(0, 16)}…${node.title.slice(-19)}` : node.title}`),
  );
  const open = () => {
    selectTab("tree");
    if (node.rows.length === 1) reveal(row);
    else search(row.t);
  };
  box.addEventListener("click", open);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    open();
  });
  return box;
}

function text(x, y, words) {
  return shape("text", { x, y }, words);
}

function shape(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
