"use strict";
// What the page can do beyond being read: sort a table, show one scenario, enlarge a plot, and
// tell a style's curves from the others. Without it all is there to read.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (tag, text = "", props = {}) => Object.assign(document.createElement(tag), { textContent: text }, props);
  const units = { ns: 1e-9, "µs": 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

  // figure is the first number of a cell, with its unit; no number is NaN.
  const figure = (text) => {
    const found = text.replaceAll("−", "-").replace(/(\d)\u00a0(?=\d{3})/g, "$1").match(/^[×+]?(-?[\d.]+(?:e-?\d+)?)\s*([a-zµA-Z]*)/);
    return found ? Number(found[1]) * (units[found[2]] ?? 1) : NaN;
  };
  const byText = (a, b) => a.localeCompare(b, "en", { numeric: true });
  const byFigure = (a, b) => figure(a) - figure(b);

  const sort = (head, column, rows) => {
    const falls = head.ariaSort === "ascending";
    all("th", head.parentNode).forEach((h) => h.removeAttribute("aria-sort"));
    head.ariaSort = falls ? "descending" : "ascending";
    const words = head.classList.contains("text");
    const text = (row) => row.cells[column].textContent.trim();
    const last = (row) => (words ? text(row) === "" : Number.isNaN(figure(text(row))));
    const compare = words ? byText : byFigure;
    rows.sort((a, b) => last(a) - last(b) || (last(a) ? 0 : compare(text(a), text(b)) * (falls ? -1 : 1)));
    rows[0].parentNode.append(...rows);
  };

  for (const table of all("table")) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 2) continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.textContent.trim()) return;
      const button = make("button", "", { type: "button", onclick: () => sort(head, column, rows) });
      button.append(...head.childNodes);
      head.append(button);
    });
  }
  for (const box of all(".wide")) {
    if (box.offsetParent && box.scrollWidth <= box.clientWidth) box.removeAttribute("tabindex");
  }

  // One scenario: its sections, and its rows in the tables of all.
  const tools = document.getElementById("tools");
  const sections = all("main > section[data-scenario]");
  const names = [...new Set(sections.map((s) => s.dataset.scenario))];
  const owner = /^(scenario|comparison|cell|operation|where)$/;
  const choose = (name) => {
    const other = (text) => name !== "" && text !== name && !text.startsWith(name + " ");
    for (const s of sections) {
      s.hidden = name !== "" && s.dataset.scenario !== name;
      document.querySelector(`nav a[href="#${s.id}"]`).parentNode.hidden = s.hidden;
    }
    for (const table of all("table")) {
      if (table.closest("section[data-scenario]")) continue;
      const column = [...table.tHead.rows[0].cells].findIndex((h) => owner.test(h.textContent.trim()));
      if (column < 0) continue;
      for (const row of table.tBodies[0].rows) row.hidden = other(row.cells[column].firstChild?.textContent.trim() ?? "");
    }
  };
  if (names.length > 1) {
    const select = make("select", "", { id: "scenario", onchange: () => choose(select.value) });
    select.append(make("option", "all", { value: "" }), ...names.map((n) => make("option", n, { value: n })));
    const label = make("label", "Scenario ");
    label.append(select);
    tools.append(label);
    choose(select.value); // a browser remembers it when the page is loaded again
  }

  // A plot, as large as the window or larger.
  for (const picture of all("figure")) {
    const drawn = picture.querySelector("svg");
    const open = () => {
      const box = make("dialog", "", { ariaLabel: drawn.getAttribute("aria-label"), onclose: () => box.remove() });
      const close = make("button", "Close", { type: "button", onclick: () => box.close() });
      const scroll = make("div", "", { tabIndex: 0 });
      scroll.append(drawn.cloneNode(true));
      box.append(close, scroll);
      document.body.append(box);
      box.showModal();
    };
    drawn.addEventListener("click", open);
    picture.querySelector("figcaption").append(" ", make("button", "Enlarge", { type: "button", onclick: open,
      ariaLabel: "Enlarge: " + drawn.getAttribute("aria-label") }));
  }

  // One colour is one style, so a colour finds its curves: under the pointer, or by a button.
  const inkOf = (of) => getComputedStyle(of, "::before").backgroundColor; // another on a dark page
  const inks = () => new Map(all(".legend .style").map((of) => [inkOf(of), of.textContent]));
  const ink = (part, known = inks()) => {
    const look = getComputedStyle(part);
    return [look.stroke, look.fill].find((c) => known.has(c));
  };
  const show = (colour, within = document) => {
    const known = inks();
    for (const part of all("figure svg *, dialog svg *", within)) {
      const own = colour && ink(part, known);
      part.style.opacity = own && own !== colour ? 0.12 : "";
    }
  };
  const tip = make("div", "", { className: "tip", hidden: true });
  document.body.append(tip);
  let seen;
  document.addEventListener("pointermove", (e) => {
    const svg = e.target.closest?.("figure svg, dialog svg");
    const colour = svg && ink(e.target);
    if (seen && (seen.svg !== svg || seen.colour !== colour)) show("", seen.svg.parentNode);
    if (colour && seen?.colour !== colour) show(colour, svg.parentNode);
    seen = colour && { svg, colour };
    tip.hidden = !colour;
    if (!colour) return;
    tip.textContent = inks().get(colour);
    (svg.closest("dialog") ?? document.body).append(tip);
    tip.style.left = e.clientX + 14 + "px";
    tip.style.top = e.clientY + 14 + "px";
  });
  for (const of of all(".legend .style")) {
    const button = make("button", of.textContent, { type: "button", className: of.className, ariaPressed: "false" });
    button.onclick = () => {
      const on = button.ariaPressed !== "true";
      all(".legend button").forEach((b) => (b.ariaPressed = "false"));
      button.ariaPressed = String(on);
      show(on ? inkOf(button) : "");
    };
    of.replaceWith(button);
  }
})();
