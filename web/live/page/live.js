// The figures of the styles that run now, read again every two seconds.
"use strict";

const microseconds = (us) => (us === null ? "–" : us < 1000 ? `${us.toFixed(0)} µs` : `${(us / 1000).toFixed(us < 10000 ? 2 : 1)} ms`);

function drawFigures(all) {
  document.querySelector("#figures tbody").replaceChildren(...all.map((f) => {
    const row = element("tr");
    const values = f.lacks ? [f.lacks, "", "", ""]
      : [f.cpu_percent === null ? "–" : `${f.cpu_percent.toFixed(1)} %`, microseconds(f.p50_us), microseconds(f.p99_us), f.stimuli.toLocaleString("en")];
    row.append(element("td", "", f.style), ...values.map((v) => element("td", f.lacks ? "bad" : "", v)));
    return row;
  }));
}

async function readFigures() {
  try {
    if (!document.hidden) drawFigures(await (await get("/live/figures")).json());
  } catch (err) {
    drawFigures([{ style: "–", lacks: "not connected" }]);
  }
  setTimeout(readFigures, 2000);
}
readFigures();
