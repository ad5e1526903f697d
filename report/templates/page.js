// Draw each chart as wide as its place, with tooltips, instead of the picture that stands there; check that it
// shows as many marks as it has data.
(async () => {
  "use strict";
  const unpack = async (id) => {
    const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
  };
  const { config, specs } = JSON.parse(await unpack("charts"));
  const vega = document.createElement("script");
  vega.textContent = await unpack("bundle");
  document.body.append(vega);
  // Now and then let the reader scroll; unlike a timer this is not slowed down in a tab behind others.
  const { port1, port2 } = new MessageChannel();
  const pause = () => new Promise((resolve) => { port1.onmessage = resolve; port2.postMessage(null); });
  const charts = [...document.querySelectorAll(".chart")];
  let failed = 0;
  let rested = performance.now();
  for (const chart of charts) {
    const still = chart.firstElementChild;
    const drawn = document.createElement("div");
    if (performance.now() - rested > 200) {
      await pause();
      rested = performance.now();
    }
    try {
      chart.replaceChildren(drawn);
      // `ast`: expressions are interpreted, never compiled, so the page needs no eval.
      const options = { actions: false, renderer: "svg", ast: true, config, tooltip: { theme: "custom" } };
      await vegaEmbed(drawn, specs[chart.dataset.spec], options);
      const marks = chart.querySelectorAll('[class*=" estimate"][class*="_marks"] > path').length;
      if (marks !== Number(chart.dataset.marks)) {
        throw new Error(`expected ${chart.dataset.marks} marks, found ${marks}`);
      }
    } catch (error) {
      failed += 1;
      const note = document.createElement("p");
      note.className = "note failed";
      note.textContent = `This chart could not be drawn anew (${error.message}): the picture is that of the file.`;
      chart.replaceChildren(still, note);
      console.error(chart.dataset.spec, error);
    }
  }
  port1.close();
  document.documentElement.dataset.charts = failed ? `${failed} failed` : "drawn";
})();
