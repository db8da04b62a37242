// Who moved, the latest first: Azure's word where it names an author, else only that somebody did.

const MOST_MOVES = 500;

function drawMoves(view) {
  const moved = rows.filter((row) => row.state >= 0 && (row.b || /[db]/.test(row.g || "")));
  moved.sort((one, other) => (other.b ? other.b[2] : "").localeCompare(one.b ? one.b[2] : ""));
  if (!moved.length) {
    view.replaceChildren(element("p", {}, "Nothing is known to have moved in Azure."));
    return;
  }
  const names = ["when", "who", "resource", "what"];
  const head = element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)));
  const body = element("tbody");
  for (const row of moved.slice(0, MOST_MOVES)) {
    const button = element("button", { type: "button", class: "link" }, row.n);
    button.addEventListener("click", () => {
      selectTab("tree");
      reveal(row);
    });
    const places = (row.c || []).map((change) => change[1]);
    const what = places.slice(0, 5).join(", ") + (places.length > 5 ? ` and ${places.length - 5} more` : "");
    body.append(
      element(
        "tr",
        {},
        element("td", {}, row.b ? timeText(row.b[2]) : "not known"),
        element("td", {}, row.b ? `${row.b[0]} (${row.b[1]})` : "Azure names nobody"),
        element("td", {}, button),
        element("td", {}, what || report.states[row.state][0]),
      ),
    );
  }
  const rest = moved.length - MOST_MOVES;
  view.replaceChildren(element("table", {}, element("thead", {}, head), body));
  if (rest > 0) view.append(element("p", { class: "dim" }, `and ${rest.toLocaleString("en")} more`));
}
