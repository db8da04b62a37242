// Search, states, tabs and keys.

const searchBox = document.getElementById("search");
const whoBox = document.getElementById("who");
const stateButtons = [...document.querySelectorAll("#states button")];
const tabs = [...document.querySelectorAll("#tabs button")];
const drawers = { waves: drawWaves, moved: drawMoves };
const drawnTabs = new Set();

function readFilter() {
  filter.words = searchBox.value.toLowerCase().split(/\s+/).filter(Boolean);
  filter.who = whoBox.value;
  filter.states = new Set(stateButtons.filter((b) => b.ariaPressed === "true").map((b) => Number(b.dataset.state)));
  scroller.scrollTop = 0;
  showList();
}

function clearFilter() {
  searchBox.value = "";
  whoBox.value = "";
  for (const button of stateButtons) button.ariaPressed = "true";
  readFilter();
}

function search(words) {
  searchBox.value = words;
  readFilter();
  tree.focus();
}

function selectTab(name) {
  for (const tab of tabs) {
    const isChosen = tab.id === `tab-${name}`;
    tab.ariaSelected = String(isChosen);
    tab.tabIndex = isChosen ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).hidden = !isChosen;
  }
  if (drawers[name] && !drawnTabs.has(name)) {
    drawnTabs.add(name);
    drawers[name](document.getElementById(`view-${name}`));
  }
}

searchBox.addEventListener("input", readFilter);
searchBox.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "Enter") {
    event.preventDefault();
    tree.focus();
  }
});
whoBox.addEventListener("change", readFilter);
for (const button of stateButtons)
  button.addEventListener("click", () => {
    button.ariaPressed = String(button.ariaPressed !== "true");
    readFilter();
  });
tabs.forEach((tab, at) => {
  const name = tab.id.slice(4);
  if (name === "waves" && !rows.some((row) => row.w)) tab.hidden = true;
  tab.addEventListener("click", () => selectTab(name));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: tabs.length - 1 }[event.key];
    if (!step) return;
    let next = tabs[(at + step) % tabs.length];
    if (next.hidden) next = tabs[(at + 2 * step) % tabs.length];
    selectTab(next.id.slice(4));
    next.focus();
  });
});
document.addEventListener("keydown", (event) => {
  const isTyping = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    searchBox.select();
    searchBox.focus();
  } else if (event.key === "Escape" && event.target === searchBox) {
    search("");
  }
});

if (!rows.some((row) => row.state >= 0 && !report.states[row.state][3])) for (const b of stateButtons) b.ariaPressed = "true";
readFilter();
const wantedRow = location.hash && rows.find((row) => row.state >= 0 && `#${encodeURIComponent(row.n)}` === location.hash);
if (wantedRow) reveal(wantedRow);
setTimeout(() => rows.forEach(haystack), 50);
