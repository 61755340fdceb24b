// What plays, the queue, and the buttons: from the initial state of /api/events, then from
// its events and the answers to our requests.
"use strict";

let playing = { state: "stopped", passage: 0, position_ms: 0, volume: 50 };
let queue = [];

// name is what people call a passage: its title, or its number where there is none.
const name = (passage, title) => title || `Passage ${passage}`;

const clockTime = (ms) => `${Math.floor(ms / 60000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;

function drawPlayer() {
  const entry = queue.find((e) => e.passage === playing.passage), length = entry ? entry.length_ms : 0;
  byId("now").textContent = playing.passage ? name(playing.passage, playing.title) : "Nothing plays";
  byId("number").textContent = playing.title ? `#${playing.passage}` : "";
  byId("playback").textContent = playing.state;
  byId("progress").max = length || 1;
  drawPosition();
  byId("position").title = length ? "of " + clockTime(length) : "";
  if (document.activeElement !== byId("volume")) byId("volume").value = playing.volume;
  byId("volume-now").textContent = playing.volume;
}

function drawPosition() {
  const entry = queue.find((e) => e.passage === playing.passage);
  byId("progress").value = playing.position_ms;
  byId("position").textContent = clockTime(playing.position_ms) + (entry ? " of " + clockTime(entry.length_ms) : "");
}

function drawQueue() {
  byId("queue").replaceChildren(...queue.map((e) => {
    const li = element("li", e.passage === playing.passage ? "current" : "", name(e.passage, e.title));
    li.append(element("span", "quiet mono number", e.title ? `#${e.passage}` : ""), element("span", "quiet", clockTime(e.length_ms)));
    return li;
  }));
  byId("depth").textContent = queue.length;
}

function report(text, bad) {
  byId("report").textContent = text;
  byId("report").className = bad ? "bad" : "quiet";
}

async function api(path, body) {
  const options = { signal: AbortSignal.timeout(10000) };
  if (body !== undefined) Object.assign(options, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const response = await fetch("/api/" + path, options);
  const answer = response.status === 204 ? {} : await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

let reading; // one request at a time, and one more if something happened meanwhile
function look() {
  if (reading) { reading.again = true; return; }
  reading = { again: false };
  Promise.all([api("status"), api("queue")])
    .then(([status, waiting]) => { playing = status; queue = waiting.entries; drawPlayer(); drawQueue(); })
    .catch((err) => report(err.message, true))
    .finally(() => { const again = reading.again; reading = undefined; if (again) look(); });
}

async function press(path, body, done) {
  try {
    report(done(await api(path, body)), false);
  } catch (err) {
    report(err.message, true);
  }
  look();
}

for (const command of ["play", "pause", "stop", "skip"]) {
  byId(command).addEventListener("click", () => press(command, {}, () => ""));
}
byId("volume").addEventListener("input", () => { byId("volume-now").textContent = byId("volume").value; });
byId("volume").addEventListener("change", () => press("volume", { volume: Number(byId("volume").value) }, () => ""));
byId("alike").addEventListener("click", () => {
  if (playing.passage) press("flavor", { passage: playing.passage, minutes: 60 }, () => `What follows within the hour is to be like ${name(playing.passage, playing.title)}.`);
});
byId("enqueue").addEventListener("submit", (submit) => {
  submit.preventDefault();
  const passage = Number(byId("passage").value);
  press("queue", { passage }, (answer) => `${name(passage, answer.title)} waits.`);
});
byId("say").addEventListener("submit", (submit) => {
  submit.preventDefault();
  press("messages", { username: byId("username").value, message: byId("message").value }, () => "Said.");
  byId("message").value = "";
});

const happenings = new EventSource("/api/events");
const on = (name, take) => happenings.addEventListener(name, (event) => take(JSON.parse(event.data)));
on("initial-state", (state) => { playing = state.status; queue = state.queue.entries; drawPlayer(); drawQueue(); report("", false); });
on("position", (e) => { playing.position_ms = e.number; drawPosition(); });
on("playback-state", (e) => { byId("playback").textContent = e.text; if (e.text !== "crossfading") look(); });
on("song", look);
on("queue-depth", look);
on("notice", (e) => report(e.text === "refill-waits"
  ? "The queue is empty. A refill comes once in ten seconds, so the player waits for the next."
  : `The player says: ${e.text}.`, true));
on("lost", look);
happenings.onerror = () => report("not connected: trying again", true);
setInterval(() => { if (!document.hidden) look(); }, 5000); // changes of volume and passages that people enqueue are not broadcast
