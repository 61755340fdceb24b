// The list of newest flows, and the open one. Text goes into the page
// as text only (textContent), and pictures as images, so nothing a user said runs.
"use strict";

const us = (v) => (v < 10 ? v.toFixed(2) : v < 100 ? v.toFixed(1) : Math.round(v).toLocaleString("en"));
const took = (v) => (v < 1000 ? us(v) + " µs" : (v / 1000).toFixed(v < 10000 ? 2 : 1) + " ms");

const flowRows = new Map(); // token → its <li>, reused so that focus stays

function flowRow(f) {
  const li = element("li"), button = element("button");
  button.type = "button";
  button.dataset.flow = f.flow;
  button.append(element("span", "mono", `#${f.flow} ${f.root}`), element("span", "took", took(f.took_us)));
  const actions = f.actions === 1 ? "1 action" : f.actions + " actions";
  button.append(element("span", "rules-of", [actions, ...f.rules].join(" · ")));
  if (f.failed) button.append(element("span", "bad", f.failed + " failed"));
  button.addEventListener("click", () => { location.hash = "flow=" + f.flow; });
  li.append(button);
  return li;
}

function showFlows(flows) {
  const list = byId("flows");
  const listed = new Set(flows.map((f) => f.flow));
  for (const [token, li] of flowRows) {
    if (!listed.has(token)) { li.remove(); flowRows.delete(token); }
  }
  for (const f of [...flows].reverse()) { // new ones go in front
    if (flowRows.has(f.flow)) continue;
    const li = flowRow(f);
    flowRows.set(f.flow, li);
    list.prepend(li);
  }
  markFlow();
}

const chosenFlow = () => (location.hash.match(/^#flow=(\d{1,20})$/) || [])[1];

function markFlow() {
  for (const button of document.querySelectorAll("#flows button")) {
    button.setAttribute("aria-current", String(button.dataset.flow === chosenFlow()));
  }
}

// openFlow shows the flow that the address names.
async function openFlow() {
  const token = chosenFlow();
  byId("flow").hidden = !token;
  markFlow();
  if (!token) return;
  const path = "/dev/traces/" + token;
  byId("flow-title").textContent = "Flow #" + token;
  for (const format of ["json", "text", "svg", "dot"]) byId("as-" + format).href = `${path}?format=${format}`;
  const picture = byId("picture");
  picture.alt = `Flow ${token} as a picture; the same as a tree follows`;
  picture.src = path + "?format=svg";
  try {
    byId("tree").textContent = await (await get(path + "?format=text")).text();
    byId("tree").classList.remove("bad");
  } catch (err) {
    byId("tree").textContent = err.message;
    byId("tree").classList.add("bad");
  }
  byId("flow-title").focus({ preventScroll: true });
  byId("flow").scrollIntoView({ block: "nearest" });
}
