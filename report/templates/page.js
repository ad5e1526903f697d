// Save tables and pictures, and the explorer: everything else works without.
(async () => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripts");
  const unpack = async (id) => {
    const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (letter) => letter.charCodeAt(0));
    return JSON.parse(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text());
  };
  const NS = "http://www.w3.org/2000/svg";
  const make = (tag, attributes = {}, text = "") => {
    const element = tag.startsWith("svg:") ? document.createElementNS(NS, tag.slice(4)) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== "") element.textContent = text;
    return element;
  };

  // Frames that scroll can be reached by keyboard, others are no stop.
  const stops = () => {
    for (const frame of document.querySelectorAll(".scroll")) {
      if (frame.scrollWidth > frame.clientWidth + 1 || frame.scrollHeight > frame.clientHeight + 1) frame.tabIndex = 0;
      else frame.removeAttribute("tabindex");
    }
  };
  stops();
  addEventListener("resize", stops);
  document.addEventListener("toggle", stops, true);
  document.addEventListener("change", stops);

  const download = (name, blob) => {
    const link = make("a", { download: name, href: URL.createObjectURL(blob) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const pictureOf = (svgs, title) => {
    // panels below each other, on white, as one picture that needs no page
    const whole = make("svg:svg", { xmlns: NS, "font-family": "system-ui, sans-serif" });
    let [width, y] = [0, 34];
    for (const svg of svgs) {
      const copy = svg.cloneNode(true);
      const [, , w, h] = svg.getAttribute("viewBox").split(" ").map(Number);
      const name = svg.closest(".panel")?.querySelector(".panel-title")?.textContent;
      if (name) { whole.append(make("svg:text", { x: 10, y: y + 14, "font-size": 13, "font-weight": 600 }, name)); y += 22; }
      for (const [key, value] of Object.entries({ x: 10, y, width: w, height: h })) copy.setAttribute(key, value);
      whole.append(copy);
      width = Math.max(width, w + 20);
      y += h + 12;
    }
    width = Math.max(width, 480);
    whole.prepend(make("svg:rect", { width, height: y, fill: "#ffffff" }), make("svg:text", { x: 10, y: 20, "font-size": 13, "font-weight": 700 }, title));
    for (const [key, value] of Object.entries({ width, height: y, viewBox: `0 0 ${width} ${y}` })) whole.setAttribute(key, value);
    return { text: new XMLSerializer().serializeToString(whole), width, height: y };
  };
  const savePicture = async (kind, name, svgs, title) => {
    const { text, width, height } = pictureOf(svgs, title);
    if (kind === "svg") return download(`${name}.svg`, new Blob([text], { type: "image/svg+xml" }));
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    await image.decode();
    const canvas = make("canvas", { width: 3 * width, height: 3 * height });
    canvas.getContext("2d").drawImage(image, 0, 0, 3 * width, 3 * height);
    URL.revokeObjectURL(image.src);
    canvas.toBlob((blob) => download(`${name}.png`, blob));
  };
  const tables = await unpack("tables");
  document.addEventListener("click", (event) => {
    const kind = event.target.dataset?.save;
    if (!kind) return;
    const { name } = event.target.parentElement.dataset;
    if (kind === "csv") download(`${name}.csv`, new Blob([tables[name]], { type: "text/csv;charset=utf-8" }));
    else {
      const figure = event.target.closest("figure");
      savePicture(kind, name, [...figure.querySelectorAll(".still")].filter((svg) => svg.getClientRects().length), figure.querySelector("figcaption").textContent);
    }
  });

  if (document.getElementById("estimates")) explore(await unpack("estimates"));
  root.dataset.ready = "yes";

  function explore({ levels, codes, numbers, converged, first }) {
    const NAMES = { study: "Study", method: "Method", outcome: "Outcome", exposure: "Exposure", contrast: "Contrast", covariates: "Covariates", engine: "Weighting", people: "Participants" };
    const ALL = "all", names = Object.keys(NAMES), rows = codes.study.map((_, row) => row);
    const needed = new Set(["study", "method", "outcome", "people"]);
    const form = document.getElementById("choices"), selects = {};
    let view = [];
    for (const name of names) {
      const label = make("label", {}, NAMES[name]);
      selects[name] = make("select", { name });
      label.append(selects[name]);
      form.append(label);
    }
    const text = (name, row) => levels[name][codes[name][row]];
    const state = () => Object.fromEntries(names.map((name) => [name, selects[name].value]));
    const fill = (wanted) => {
      // each select offers what the choices before it leave
      let left = rows;
      for (const name of names) {
        const found = [...new Set(left.map((row) => codes[name][row]))].sort((a, b) => a - b).map((code) => levels[name][code]);
        const options = needed.has(name) || found.length === 1 ? found : [ALL, ...found];
        selects[name].replaceChildren(...options.map((option) => make("option", { value: option }, option === ALL ? "All" : option)));
        const fallback = name === "contrast" && found.includes("per doubling") ? "per doubling" : first[name];
        selects[name].value = options.includes(wanted[name]) ? wanted[name] : options.includes(fallback) ? fallback : options[0];
        const chosen = selects[name].value;
        if (chosen !== ALL) left = left.filter((row) => text(name, row) === chosen);
      }
      view = left;
    };
    const fromAddress = () => {
      const [anchor, query] = location.hash.slice(1).split("?");
      return anchor === "explore" && query ? Object.fromEntries(new URLSearchParams(query)) : null;
    };
    const address = () => `#explore?${new URLSearchParams(state())}`;
    const minus = (text) => text.replace("-", "\u2212");
    const digits = (value) => value === null ? "\u2013" : minus(String(Number(value.toPrecision(3))));
    const decimals = (row) => isRatio(row) ? 2 : Math.min(4, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(numbers.value[row]) || 1))));
    const fixed = (row, name) => numbers[name][row] === null ? "\u2013" : minus(numbers[name][row].toFixed(decimals(row)));
    const isRatio = (row) => text("scale", row) === "odds ratio";
    const estimate = (row) => {
      const [value, low, high] = ["value", "low", "high"].map((name) => fixed(row, name));
      return low === "\u2013" ? value : `${value} (${low}, ${high})`;
    };
    const p = (value) => value === null ? "\u2013" : value < 0.001 ? "<0.001" : value.toFixed(3);
    const title = () => {
      const chosen = names.filter((name) => selects[name].value !== ALL && name !== "exposure").map((name) => selects[name].value);
      return `${selects.exposure.value === ALL ? "" : `${selects.exposure.value}: `}${chosen.join("; ")}`;
    };
    const said = (row) => names.filter((name) => !needed.has(name) && selects[name].value === ALL).map((name) => text(name, row)).join(", ") || text("contrast", row);
    const MOST = 60, COLOURS = ["#0072b2", "#222222", "#d55e00", "#009e73", "#aa4f88", "#c87000"];
    const scaleOf = (values, ratio, from, to, include) => {
      const at = (value) => ratio ? Math.log(value) : value;
      const all = [...values, ...include].filter((value) => value !== null && (!ratio || value > 0)).map(at);
      let [low, high] = [Math.min(...all), Math.max(...all)];
      if (low === high) [low, high] = [low - 1, high + 1];
      const pad = 0.04 * (high - low);
      [low, high] = [low - pad, high + pad];
      const scale = (value) => from + (to - from) * (Math.min(Math.max(ratio && value <= 0 ? low : at(value), low), high) - low) / (high - low);
      const [start, end] = ratio ? [Math.exp(low), Math.exp(high)] : [low, high];
      const step = 10 ** Math.floor(Math.log10((end - start) / 3)), few = (end - start) / step > 12 ? 5 * step : (end - start) / step > 6 ? 2 * step : step;
      const steps = Array.from({ length: Math.floor(end / few) - Math.ceil(start / few) + 1 }, (_, place) => Number(((Math.ceil(start / few) + place) * few).toPrecision(6)));
      const powers = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100].filter((value) => value >= start && value <= end);
      return { scale, ticks: ratio && powers.length > 2 ? powers : steps };
    };
    const label = (attributes, content) => make("svg:text", { "font-size": 12, fill: "#333333", ...attributes }, content);
    const line = (x1, y1, x2, y2, stroke, more = {}) => make("svg:line", { x1, y1, x2, y2, stroke, ...more });
    const near = (row) => {
      // intervals are followed as far as a forest plot of the page does
      const [value, low, high] = ["value", "low", "high"].map((name) => numbers[name][row]);
      return !isRatio(row) || low === null ? [value, low, high] : [value, Math.max(low, value / 2.5), Math.min(high, value * 2.5)];
    };
    const pictureWidth = () => document.getElementById("explored-picture").clientWidth;
    const forest = (shown) => {
      const ratio = isRatio(shown[0]), nothing = ratio ? 1 : 0, wide = pictureWidth() > 600, tall = wide ? 22 : 56;
      const [width, left, right] = wide ? [900, 330, 600] : [360, 10, 350], foot = 36 + tall * shown.length, height = foot + 50;
      const svg = make("svg:svg", { viewBox: `0 0 ${width} ${height}`, class: "still" });
      const { scale, ticks } = scaleOf(shown.flatMap(near), ratio, left, right, [nothing]);
      if (wide) for (const [x, content, anchor] of [[0, "", "start"], [650, "n (cases)", "middle"], [775, "estimate (95 % interval)", "middle"], [880, "p", "end"]]) svg.append(label({ x, y: 18, "font-weight": 600, "text-anchor": anchor }, content));
      if (wide) svg.append(line(scale(nothing), 28, scale(nothing), foot, "#444444", { "stroke-dasharray": "3 3" }));
      shown.forEach((row, place) => {
        const y = wide ? 42 + 22 * place : 66 + tall * place, [value, low, high] = ["value", "low", "high"].map((name) => numbers[name][row]);
        const words = said(row);
        const n = numbers.n[row], cases = numbers.events[row], of = `${n ?? "\u2013"}${cases === null ? "" : ` (${cases})`}`;
        svg.append(label({ x: 0, y: wide ? y + 4 : y - 28 }, words.length > 52 ? `${words.slice(0, 51)}\u2026` : words));
        if (wide) svg.append(label({ x: 650, y: y + 4, "text-anchor": "middle" }, of), label({ x: 775, y: y + 4, "text-anchor": "middle" }, estimate(row)), label({ x: 880, y: y + 4, "text-anchor": "end" }, p(numbers.p_value[row])));
        else svg.append(line(scale(nothing), y - 8, scale(nothing), y + 8, "#444444"), label({ x: 0, y: y - 12 }, `${estimate(row)}; n ${of}; p ${p(numbers.p_value[row])}`));
        if (low !== null && high !== null) svg.append(line(scale(low), y, scale(high), y, "#0072b2", { "stroke-width": 1.8 }));
        svg.append(make("svg:rect", { x: scale(value) - 4.4, y: y - 4.4, width: 8.8, height: 8.8, class: "estimate", stroke: "#0072b2", fill: converged[row] ? "#0072b2" : "#ffffff" }));
      });
      svg.append(line(left, foot, right, foot, "#999999"));
      for (const tick of ticks) svg.append(line(scale(tick), foot, scale(tick), foot + 5, "#999999"), label({ x: scale(tick), y: foot + 18, "text-anchor": "middle" }, digits(tick)));
      svg.append(label({ x: (left + right) / 2, y: foot + 36, "text-anchor": "middle" }, text("scale", shown[0])));
      return svg;
    };
    const curve = (shown) => {
      const ratio = isRatio(shown[0]), nothing = ratio ? 1 : 0, wide = pictureWidth() > 600;
      const [width, left, right, top, foot] = wide ? [900, 70, 640, 20, 320] : [360, 60, 350, 140, 380], height = foot + 60;
      const keyX = wide ? right + 14 : 0, keyY = wide ? top + 10 : 12;
      const svg = make("svg:svg", { viewBox: `0 0 ${width} ${height}`, class: "still" });
      const across = scaleOf(shown.map((row) => numbers.x[row]), shown.every((row) => numbers.x[row] > 0) && ratio, left, right, []);
      const up = scaleOf(shown.flatMap(near), ratio, foot, top, [nothing]);
      svg.append(line(left, up.scale(nothing), right, up.scale(nothing), "#444444", { "stroke-dasharray": "3 3" }));
      const groups = Map.groupBy ? Map.groupBy(shown, said) : shown.reduce((map, row) => map.set(said(row), [...(map.get(said(row)) ?? []), row]), new Map());
      [...groups].slice(0, COLOURS.length).forEach(([words, group], place) => {
        const points = (name, order) => order.map((row) => `${across.scale(numbers.x[row]).toFixed(1)},${up.scale(numbers[name][row] ?? numbers.value[row]).toFixed(1)}`).join(" ");
        const colour = COLOURS[place], dashes = ["1 0", "7 4", "2 3"][place % 3];
        svg.append(make("svg:polygon", { points: `${points("low", group)} ${points("high", [...group].reverse())}`, fill: colour, opacity: 0.14 }));
        svg.append(make("svg:polyline", { points: points("value", group), fill: "none", stroke: colour, "stroke-width": 2.2, "stroke-dasharray": dashes, class: "estimate" }));
        svg.append(line(keyX, keyY + 20 * place, keyX + 26, keyY + 20 * place, colour, { "stroke-width": 2.4, "stroke-dasharray": dashes }), label({ x: keyX + 32, y: keyY + 4 + 20 * place }, words.slice(0, 34)));
      });
      svg.append(line(left, foot, right, foot, "#999999"), line(left, top, left, foot, "#999999"));
      for (const tick of across.ticks) svg.append(label({ x: across.scale(tick), y: foot + 18, "text-anchor": "middle" }, digits(tick)));
      for (const tick of up.ticks) svg.append(label({ x: left - 8, y: up.scale(tick) + 4, "text-anchor": "end" }, digits(tick)));
      svg.append(label({ x: (left + right) / 2, y: foot + 42, "text-anchor": "middle" }, text("contrast", shown[0])), label({ transform: `translate(16 ${(top + foot) / 2}) rotate(-90)`, "text-anchor": "middle" }, text("scale", shown[0])));
      return svg;
    };
    const draw = () => {
      const shown = view.filter((row) => text("scale", row) === text("scale", view[0])).slice(0, numbers.x[view[0]] === null ? MOST : undefined);
      const picture = numbers.x[shown[0]] === null ? forest(shown) : curve(shown);
      for (const [key, value] of Object.entries({ role: "img", "aria-label": `${title()}: ${shown.length} estimates; the numbers are in the table below` })) picture.setAttribute(key, value);
      document.getElementById("explored-title").textContent = title();
      document.getElementById("explored-picture").replaceChildren(picture);
      document.getElementById("explore-count").textContent = `${view.length} estimates${shown.length < view.length ? `, the first ${shown.length} drawn: choose more closely to see the others` : ""}.`;
      const head = make("tr");
      const columns = [...names.map((name) => [NAMES[name], (row) => text(name, row)]), ["x", (row) => digits(numbers.x[row])], ["n", (row) => numbers.n[row] ?? "\u2013"], ["Cases", (row) => numbers.events[row] ?? "\u2013"], ["Estimate (95 % interval)", estimate], ["Scale", (row) => text("scale", row)], ["p", (row) => p(numbers.p_value[row])], ["q", (row) => p(numbers.q_value[row])]]
        .filter(([, cell]) => new Set(view.map(cell)).size > 1 || cell === estimate || cell.length === 0);
      for (const [name] of columns) head.append(make("th", { scope: "col" }, name));
      const body = make("tbody");
      for (const row of view.slice(0, 200)) {
        const line = make("tr");
        for (const [, cell] of columns) line.append(make("td", {}, cell(row)));
        body.append(line);
      }
      const thead = make("thead");
      thead.append(head);
      document.getElementById("explored-table").replaceChildren(make("caption", { class: "unseen" }, title()), thead, body);
      stops();
    };
    const csv = () => {
      const quote = (value) => /[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value;
      const safe = (value) => /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
      const columns = Object.keys(numbers);
      return [[...names, "scale", ...columns, "converged"], ...view.map((row) => [...names.map((name) => safe(text(name, row))), text("scale", row), ...columns.map((name) => numbers[name][row] ?? ""), converged[row]])]
        .map((line) => line.map(quote).join(",")).join("\r\n");
    };
    form.addEventListener("change", () => { fill(state()); draw(); history.replaceState(null, "", address()); });
    form.addEventListener("submit", (event) => event.preventDefault());
    addEventListener("hashchange", () => { const wanted = fromAddress(); if (wanted) { fill(wanted); draw(); document.getElementById("explore").scrollIntoView(); } });
    document.getElementById("explore-saves").addEventListener("click", (event) => {
      const kind = event.target.dataset.explore;
      if (kind === "csv") download("estimates.csv", new Blob([csv()], { type: "text/csv;charset=utf-8" }));
      else if (kind === "link") { history.replaceState(null, "", address()); navigator.clipboard?.writeText(location.href); event.target.textContent = "Copied"; }
      else if (kind) savePicture(kind, "estimates", document.querySelectorAll("#explored-picture svg"), title());
    });
    addEventListener("resize", draw);
    const wanted = fromAddress();
    fill(wanted ?? first);
    draw();
    if (wanted) document.getElementById("explore").scrollIntoView();
  }
})();
