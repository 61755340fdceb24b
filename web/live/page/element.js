// Used by all scripts of the page. Text goes into the page as text only (textContent),
// so nothing that a user said runs.
"use strict";

// element makes <tag class=…> with text in it.
function element(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

const byId = (id) => document.getElementById(id);

async function get(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(10000) });
  if (!response.ok) throw new Error(`${path}: ${(await response.json()).error}`);
  return response;
}
