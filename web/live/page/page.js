// Rules and their figures, read again every second, and events as they happen.
"use strict";

const columns = [
  { title: "rule", of: (r) => r.name },
  { title: "activations", of: (r) => r.metrics.activations },
  { title: "rejections", of: (r) => r.metrics.rejections },
  { title: "failures", of: (r) => r.metrics.failures, alarm: true },
  { title: "mean", of: (r) => r.metrics.avg_duration_us, text: (r) => (r.metrics.activations ? us(r.metrics.avg_duration_us) : "–") },
  { title: "p95", of: (r) => r.metrics.p95_duration_us, text: (r) => (r.metrics.activations ? us(r.metrics.p95_duration_us) : "–") },
  { title: "p99", of: (r) => r.metrics.p99_duration_us, text: (r) => (r.metrics.activations ? us(r.metrics.p99_duration_us) : "–") },
  { title: "max", of: (r) => r.metrics.max_duration_us, text: (r) => (r.metrics.activations ? us(r.metrics.max_duration_us) : "–") },
];
let order = { column: columns[1], down: true };
let rules = [];
const ruleRows = new Map(); // name → its <tr>

function drawHead() {
  const row = document.querySelector("#rules thead tr");
  for (const column of columns) {
    const th = element("th"), button = element("button", "", column.title);
    th.scope = "col";
    button.type = "button";
    button.addEventListener("click", () => {
      order = { column, down: order.column === column ? !order.down : column !== columns[0] };
      drawRules();
    });
    th.append(button);
    row.append(th);
    column.head = th;
  }
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

function drawRules() {
  for (const column of columns) {
    if (column === order.column) column.head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
    else column.head.removeAttribute("aria-sort");
  }
  const sign = order.down ? -1 : 1;
  rules.sort((a, b) => sign * compare(order.column.of(a), order.column.of(b)) || compare(a.name, b.name));
  const body = document.querySelector("#rules tbody");
  rules.forEach((rule, i) => {
    let row = ruleRows.get(rule.name);
    if (!row) ruleRows.set(rule.name, (row = ruleRow(rule)));
    fillRow(row, rule);
    if (body.children[i] !== row) body.insertBefore(row, body.children[i] || null);
  });
}

function ruleRow(rule) {
  const row = element("tr");
  row.dataset.rule = rule.name;
  for (const column of columns) row.append(element("td"));
  row.firstChild.append(rule.name, element("span", "module", rule.module));
  row.title = [`when ${rule.when.join(rule.all_of ? " and " : " or ")}`, rule.where && `where ${rule.where}`,
    `then ${rule.then.join(", ")}`, rule.else && `else ${rule.else.join(", ")}`].filter(Boolean).join("\n");
  return row;
}

function fillRow(row, rule) {
  columns.forEach((column, i) => {
    if (i === 0) return;
    const cell = row.children[i], value = column.of(rule);
    cell.textContent = column.text ? column.text(rule) : value.toLocaleString("en");
    cell.title = column.title;
    cell.classList.toggle("some", Boolean(column.alarm && value));
  });
  row.classList.toggle("idle", rule.metrics.activations === 0);
}

function drawState(lost) {
  const parts = [];
  if (lost.events) parts.push(`${lost.events} events not heard by slow listeners`);
  if (lost.flows || lost.rows) parts.push(`${lost.flows} flows and ${lost.rows} actions not stored`);
  for (const [module, n] of Object.entries(lost.rejected ?? {})) parts.push(`${n} messages refused by module ${module}`);
  if (lost.err) parts.push(lost.err);
  say("live" + (parts.length ? ": " + parts.join("; ") : ", nothing lost"), parts.length === 0);
}

function say(text, good) {
  const state = byId("state");
  if (state.textContent !== text) state.textContent = text; // otherwise screen readers read it aloud each second
  state.className = "state " + (good ? "live" : "bad");
}

async function refresh() {
  try {
    if (!document.hidden) {
      const [syncs, traces, lost] = await Promise.all(
        ["/dev/syncs", "/dev/traces?n=40", "/dev/lost"].map(async (path) => (await get(path)).json()));
      rules = syncs;
      drawRules();
      showFlows(traces);
      drawState(lost);
    }
  } catch (err) {
    say("not connected: " + err.message, false);
  }
  setTimeout(refresh, 1000);
}

const eventsKept = 100;

function heard(e) {
  if (byId("hold").getAttribute("aria-pressed") === "true") return;
  const list = byId("events"), li = element("li");
  if (e.lost) li.append(element("span", "lost", `${e.lost} events dropped: this page was too slow. `));
  li.append(element("span", "mono", `#${e.flow} ${e.event}`), element("span", "mono fields", e.fields + (e.title ? ` (${e.title})` : "")));
  list.prepend(li);
  while (list.children.length > eventsKept) list.lastChild.remove();
}

byId("hold").addEventListener("click", (click) => {
  const button = click.currentTarget, paused = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(paused));
  button.textContent = paused ? "Go on" : "Pause";
});

drawHead();
refresh();
new EventSource("/dev/events/stream").addEventListener("message", (message) => heard(JSON.parse(message.data)));
addEventListener("hashchange", openFlow);
openFlow();
