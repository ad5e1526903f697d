// Draw each chart from the specification beside it, and check that it shows as many marks as it has data.
(async () => {
  "use strict";
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const config = read("configuration");
  // Now and then let the reader scroll; unlike a timer this is not slowed down in a tab behind others.
  const { port1, port2 } = new MessageChannel();
  const pause = () => new Promise((resolve) => { port1.onmessage = resolve; port2.postMessage(null); });
  const charts = [...document.querySelectorAll(".chart")];
  let failed = 0;
  let rested = performance.now();
  for (const chart of charts) {
    const said = document.createElement("div");
    if (performance.now() - rested > 200) {
      await pause();
      rested = performance.now();
    }
    try {
      chart.replaceChildren(said);
      // `ast`: expressions are interpreted, never compiled, so the page needs no eval.
      const options = { actions: false, renderer: "svg", ast: true, config, tooltip: { theme: "custom" } };
      await vegaEmbed(said, read(chart.dataset.spec), options);
      const marks = chart.querySelectorAll('[class*=" estimate"][class*="_marks"] > path').length;
      if (marks !== Number(chart.dataset.marks)) {
        throw new Error(`expected ${chart.dataset.marks} marks, found ${marks}`);
      }
    } catch (error) {
      failed += 1;
      const note = document.createElement("p");
      note.className = "note failed";
      note.textContent = `This chart could not be drawn as it should (${error.message}); its numbers are in the table below.`;
      chart.append(note);
      console.error(chart.dataset.spec, error);
    }
  }
  port1.close();
  document.documentElement.dataset.charts = failed ? `${failed} failed` : "drawn";
})();
