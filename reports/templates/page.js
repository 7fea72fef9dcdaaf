"use strict";
/* Tables that can be sorted, filtered and cut; networks that can be found again in every panel; two proxies on the same
   networks. The page says all it has to say without this. Whatever comes from a record becomes text, never markup. */
(() => {
  const DATA = JSON.parse(document.getElementById("_data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const state = new Map();

  // ------------------------------------------------------------------------------------------------ small helpers
  const make = (tag, properties = {}, ...inside) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...inside);
    return element;
  };
  const draw = (tag, attributes, text) => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const number = (value, digits = 4) => (value === null ? "no score" : String(Number(value.toPrecision(digits))).replace("-", "−"));
  const said = make("p", { className: "said", role: "status" });
  said.setAttribute("aria-live", "polite");
  document.body.append(said);
  const say = text => { said.textContent = text; };
  const labelled = (text, control) => make("label", {}, make("span", { textContent: text }), control);
  const choice = (options, chosen) => {
    const select = make("select", {}, ...options.map(([value, text]) => make("option", { value, textContent: text })));
    select.value = chosen;
    return select;
  };

  // ------------------------------------------------------------------------------ the address tells what is shown
  const remember = (key, value) => {
    if (value) state.set(key, value); else state.delete(key);
    const parts = [...state].sort().map(([name, text]) => `${encodeURIComponent(name)}=${encodeURIComponent(text)}`);
    history.replaceState(null, "", `#${parts.join("&")}`);
  };
  const read = () => {
    state.clear();
    for (const part of location.hash.slice(1).split("&")) {
      const at = part.indexOf("=");
      try {
        if (at > 0) state.set(decodeURIComponent(part.slice(0, at)), decodeURIComponent(part.slice(at + 1)));
      } catch { /* not an address of ours */ }
    }
  };
  const followers = [];
  const follow = apply => { followers.push(apply); };

  // -------------------------------------------------------------------------------------------------------- tables
  const sortable = table => {
    const name = table.dataset.name;
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    const original = [...body.rows];
    const buttons = heads.map(head => {
      const button = make("button", { type: "button", className: "sort", title: head.title });
      button.append(...head.childNodes);
      head.removeAttribute("title");
      head.append(button);
      return button;
    });
    const key = (row, place) => {
      const text = row.cells[place].dataset.v;
      if (text === undefined) return row.cells[place].textContent.trim().toLowerCase();
      return text === "" ? null : Number(text);
    };
    const sort = (place, direction) => {
      const sign = direction === "descending" ? -1 : 1;
      const rows = place < 0 ? original : [...original].sort((a, b) => {
        const [x, y] = [key(a, place), key(b, place)];
        if (x === null || y === null || x === "" || y === "") return (x === null || x === "") - (y === null || y === "");
        return sign * (x < y ? -1 : x > y ? 1 : 0);
      });
      body.append(...rows);
      heads.forEach((head, other) => {
        if (other === place) head.setAttribute("aria-sort", direction); else head.removeAttribute("aria-sort");
      });
    };
    buttons.forEach((button, place) => button.addEventListener("click", () => {
      const now = heads[place].getAttribute("aria-sort");
      const first = heads[place].matches(".text, .verdict") || heads[place].dataset.column === "rank" ? "ascending" : "descending";
      const other = first === "ascending" ? "descending" : "ascending";
      const direction = now === null ? first : now === first ? other : "";
      sort(direction ? place : -1, direction);
      remember(`${name}.sort`, direction && `${heads[place].dataset.column}.${direction}`);
      say(direction ? `Sorted by ${button.textContent}, ${direction}.` : "In the order of the page.");
    }));
    const tools = make("div", { className: "tools" });
    const count = make("span", { className: "count" });
    const filter = text => {
      const wanted = text.trim().toLowerCase().split(/\s+/);
      let shown = 0;
      for (const row of original) {
        const whole = row.textContent.toLowerCase();
        row.hidden = !wanted.every(word => whole.includes(word));
        shown += !row.hidden;
      }
      count.textContent = shown < original.length ? `${shown} of ${original.length} rows` : "";
    };
    const field = make("input", { type: "search", autocomplete: "off", spellcheck: false, size: 14 });
    if (original.length > 8 || name === "proxies") {
      field.addEventListener("input", () => {
        filter(field.value);
        remember(`${name}.q`, field.value);
        say(count.textContent || "All rows.");
      });
      tools.append(labelled("Filter", field), count);
    }
    const aside = heads.filter(head => "aside" in head.dataset).map(head => head.dataset.column).join(" ");
    const summary = make("summary");
    const hide = hidden => {
      heads.forEach((head, place) => {
        const away = place > 0 && hidden.includes(head.dataset.column);
        for (const row of table.rows) row.cells[place].hidden = away;
        if (boxes[place]) boxes[place].checked = !away;
      });
      const shown = heads.filter(head => !head.hidden).length;
      summary.textContent = shown < heads.length ? `Columns (${shown} of ${heads.length})` : "Columns";
    };
    const boxes = heads.map((head, place) => place && make("input", { type: "checkbox", checked: true }));
    if (heads.length > 4) {
      const list = make("div", { className: "choices" }, ...boxes.slice(1).map((box, place) =>
        make("label", {}, box, ` ${buttons[place + 1].textContent}`)));
      boxes.slice(1).forEach(box => box.addEventListener("change", () => {
        const hidden = heads.filter((_, place) => place && !boxes[place].checked).map(head => head.dataset.column);
        hide(hidden);
        remember(`${name}.hide`, hidden.join(" ") === aside ? "" : hidden.join(" ") || "-");
      }));
      tools.append(make("details", {}, summary, list));
    }
    if (tools.childNodes.length) table.parentElement.before(tools);
    follow(() => {
      const [column, direction] = (state.get(`${name}.sort`) || "").split(/\.(?=[^.]*$)/);
      const place = heads.findIndex(head => head.dataset.column === column);
      sort(["ascending", "descending"].includes(direction) ? place : -1, direction);
      field.value = state.get(`${name}.q`) || "";
      filter(field.value);
      hide((state.get(`${name}.hide`) || aside).split(" "));
    });
    return { tools, heads, buttons, original };
  };
  const tables = new Map();
  for (const table of document.querySelectorAll(".table > table[data-name]")) {
    if (table.tHead && table.tBodies[0].rows.length > 2) tables.set(table.dataset.name, sortable(table));
  }

  // ------------------------------------------------------------------- another coefficient decides rank and verdict
  const ranked = tables.get("proxies");
  if (ranked && DATA.switch) {
    const names = { spearman: "Spearman ρ", kendall: "Kendall τ-b", pearson: "Pearson r" };
    const select = choice(Object.entries(names), "spearman");
    const proxies = new Map(ranked.original.map(row => [row.dataset.key, row]));
    const put = coefficient => {
      select.value = coefficient;
      for (const [proxy, columns] of Object.entries(DATA.switch[coefficient])) {
        const row = proxies.get(proxy);
        if (!row) continue;
        ranked.heads.forEach((head, place) => {
          const cell = columns[head.dataset.column];
          if (!cell) return;
          const [value, text, small, tone] = cell;
          const link = row.cells[place].querySelector("a.source");
          if (link) link.textContent = text;
          const shown = link ? [link] : tone ? [make("span", { className: `badge ${tone}`, textContent: text })] : [text];
          if (small) shown.push(make("small", { className: "below", textContent: small }));
          row.cells[place].replaceChildren(...shown);
          if (!tone) row.cells[place].dataset.v = value === null ? "" : value;
        });
      }
      ranked.buttons.forEach((button, place) => {
        const end = { spearman_minus_params: "params", spearman_minus_flops: "FLOPs" }[ranked.heads[place].dataset.column];
        if (end) button.textContent = `${DATA.signs[coefficient]} − ${end}`;
      });
    };
    select.addEventListener("change", () => {
      put(select.value);
      remember("statistic", select.value === "spearman" ? "" : select.value);
      const place = ranked.heads.findIndex(head => head.dataset.column === "rank");
      ranked.heads[place].removeAttribute("aria-sort");
      ranked.buttons[place].click();
      say(`Rank, verdict and differences by ${names[select.value]}.`);
    });
    ranked.tools.prepend(labelled("Rank by", select));
    followers.unshift(() => put(names[state.get("statistic")] ? state.get("statistic") : "spearman"));
  }
  if (!DATA.panels || !DATA.panels.length) {
    start();
    return;
  }

  // -------------------------------------------------------------------------------------- one network, in all panels
  const { cells, truth, scores, ranks, networks: whole } = DATA;
  const order = cells.map((_, place) => place).sort((a, b) => ranks[a] - ranks[b]);
  const placed = cell => `accuracy ${number(truth[cell])} %, number ${ranks[cell]} of ${whole}`;
  const drawn = letters => {
    const svg = draw("svg", { viewBox: "0 0 34 22", "aria-hidden": "true" });
    const nodes = [[4, 11], [17, 4], [17, 18], [30, 11]];
    const edges = [[1, 0], [2, 0], [2, 1], [3, 0], [3, 1], [3, 2]];
    const shades = { s: "muted", 1: "third", 3: "accent", p: "second" };
    edges.forEach(([to, from], place) => {
      const operation = letters[place];
      if (!shades[operation]) return;
      const [[x1, y1], [x2, y2]] = [nodes[from], nodes[to]];
      const gap = 3.2 / Math.hypot(x2 - x1, y2 - y1);
      svg.append(draw("line", {
        x1: x1 + gap * (x2 - x1), y1: y1 + gap * (y2 - y1), x2: x2 - gap * (x2 - x1), y2: y2 - gap * (y2 - y1),
        stroke: `var(--${shades[operation]})`, "stroke-width": operation === "3" ? 2.2 : 1.4, "stroke-linecap": "round",
      }));
    });
    for (const [cx, cy] of nodes) svg.append(draw("circle", { cx, cy, r: 1.8, fill: "var(--ink)" }));
    return svg;
  };
  const about = cell => `${cells[cell][1]}: ${placed(cell)}`;
  const section = document.getElementById("scatter");
  const figures = [...section.querySelectorAll("figure svg")];
  const panels = DATA.panels.map(([proxy, members], place) => {
    const svg = figures[place];
    const paths = [...svg.querySelectorAll("path[stroke-linecap=round]")].map(path => path.getAttribute("d")).join("");
    const points = [...paths.matchAll(/M([\d.e-]+) ([\d.e-]+)h0/g)].map(found => [Number(found[1]), Number(found[2])]);
    return { svg, proxy, members, points, at: new Map(members.map((cell, dot) => [cell, points[dot]])) };
  });
  const ring = (panel, cell, kind) => {
    panel.svg.querySelector(`circle.${kind}`)?.remove();
    const point = cell === null ? undefined : panel.at.get(cell);
    if (point) panel.svg.append(draw("circle", { class: kind, cx: point[0], cy: point[1], r: 4.2 }));
  };
  const tip = make("div", { className: "tip", hidden: true });
  document.body.append(tip);
  let over = null;
  const show = (panel, cell, event) => {
    if (cell !== over) {
      over = cell;
      for (const other of everywhere()) ring(other, cell, "over");
    }
    if (cell === null) { tip.hidden = true; return; }
    const lines = panel.axes.map(proxy => `${proxy} ${number(scores[proxy][cell])}`);
    tip.replaceChildren(
      ...(cells[cell][2] ? [drawn(cells[cell][2])] : []),
      make("b", { textContent: cells[cell][1] }),
      make("span", { textContent: placed(cell) }),
      ...lines.map(textContent => make("span", { textContent })),
      make("small", { textContent: cells[cell][0] }),
    );
    tip.hidden = false;
    const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    const below = event.clientY + 16 + tip.offsetHeight < innerHeight;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${below ? event.clientY + 16 : Math.max(8, event.clientY - tip.offsetHeight - 12)}px`;
  };
  const nearest = (panel, event, reach) => {
    const box = panel.svg.getBoundingClientRect();
    const scale = panel.svg.viewBox.baseVal.width / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    let [found, least] = [null, reach ** 2];
    panel.points.forEach(([a, b], dot) => {
      const distance = (a - x) ** 2 + (b - y) ** 2;
      if (distance < least) [found, least] = [panel.members[dot], distance];
    });
    return found;
  };
  const watch = panel => {
    panel.svg.classList.add("live");
    panel.svg.addEventListener("pointermove", event => show(panel, nearest(panel, event, 8), event));
    panel.svg.addEventListener("pointerleave", event => show(panel, null, event));
    panel.svg.addEventListener("click", event => {
      const cell = nearest(panel, event, 11);
      mark(cell === marked ? null : cell);
    });
  };
  let marked = null;
  const networks = choice([["", "none"], ...order.map(cell => [String(cell), `${cells[cell][1]} (${number(truth[cell])} %)`])], "");
  const where = make("span", { className: "count" });
  const mark = (cell, quiet) => {
    marked = cell;
    for (const panel of everywhere()) ring(panel, cell, "marked");
    networks.value = cell === null ? "" : String(cell);
    where.replaceChildren(...(cell === null ? [] : [...(cells[cell][2] ? [drawn(cells[cell][2])] : []), about(cell)]));
    if (quiet) return;
    remember("network", cell === null ? "" : cells[cell][0]);
    say(cell === null ? "No network is marked." : `Marked in every panel: ${about(cell)}.`);
  };
  networks.addEventListener("change", () => mark(networks.value === "" ? null : Number(networks.value)));
  section.querySelector("h2").after(make("div", { className: "tools" }, labelled("Mark a network in every panel", networks), where));

  // ------------------------------------------------------------------------------ two proxies on the same networks
  const proxies = DATA.panels.map(([proxy]) => proxy);
  const oriented = (proxy, cell) => (scores[proxy][cell] === null ? null : (DATA.lower.includes(proxy) ? -1 : 1) * scores[proxy][cell]);
  const ordered = values => {
    const sorted = values.map((value, place) => [value, place]).sort((a, b) => a[0] - b[0]);
    const found = new Array(values.length);
    for (let first = 0; first < sorted.length;) {
      let last = first;
      while (last + 1 < sorted.length && sorted[last + 1][0] === sorted[first][0]) last += 1;
      for (let place = first; place <= last; place += 1) found[sorted[place][1]] = (first + last) / 2;
      first = last + 1;
    }
    return found;
  };
  const correlation = (x, y) => {
    const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [a, b] = [mean(x), mean(y)];
    let [xy, xx, yy] = [0, 0, 0];
    x.forEach((value, place) => {
      xy += (value - a) * (y[place] - b); xx += (value - a) ** 2; yy += (y[place] - b) ** 2;
    });
    return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : null;
  };
  const [first, second] = DATA.pair.map(chosen => choice(proxies.map(each => [each, each]), chosen));
  const sheet = draw("svg", { viewBox: "0 0 320 300", role: "img" });
  const reading = make("p", { className: "note" });
  const pair = { svg: sheet, axes: [], members: [], points: [], at: new Map() };
  const against = () => {
    const [a, b] = [first.value, second.value];
    const members = cells.map((_, cell) => cell).filter(cell => scores[a][cell] !== null && scores[b][cell] !== null);
    const [x, y] = [a, b].map(proxy => ordered(members.map(cell => oriented(proxy, cell))));
    const most = Math.max(1, members.length - 1);
    Object.assign(pair, { axes: [a, b], members, points: x.map((value, place) => [36 + 274 * value / most, 264 - 254 * y[place] / most]) });
    pair.at = new Map(members.map((cell, dot) => [cell, pair.points[dot]]));
    sheet.replaceChildren(
      draw("path", { d: "M36 10V264H310", fill: "none", stroke: "var(--muted)", "stroke-width": .6 }),
      draw("path", { d: "M36 264L310 10", stroke: "var(--rule)", "stroke-width": .8 }),
      draw("text", { x: 173, y: 284, "text-anchor": "middle", "font-size": 10, fill: "var(--ink)" }, `${a}, worst to best`),
      draw("text", { transform: "translate(24 137) rotate(-90)", "text-anchor": "middle", "font-size": 10, fill: "var(--ink)" }, `${b}, worst to best`),
      ...pair.points.map(([cx, cy], dot) => draw("circle", {
        cx, cy, r: 2.4, fill: "var(--accent)", "fill-opacity": (.9 - .78 * (ranks[members[dot]] - 1) / whole).toFixed(2),
      })),
    );
    const rho = correlation(x, y);
    const few = cells.length < whole ? ` of the ${cells.length} that are drawn, of ${whole}` : "";
    const text = `${a} and ${b} on ${members.length} networks${few}: Spearman ρ ${rho === null ? "undefined" : rho.toFixed(3).replace("-", "−")} with each other.`;
    sheet.setAttribute("aria-label", text);
    reading.textContent = `${text} Each dot a network at its rank by both; the stronger its colour, the more accurate. On the line both agree.`;
    ring(pair, marked, "marked");
  };
  for (const [select, name] of [[first, "x"], [second, "y"]]) {
    select.addEventListener("change", () => { against(); remember(name, select.value); say(reading.textContent); });
  }
  const compare = make("section", { id: "_two" },
    make("h2", { textContent: "Two proxies on the same networks" }),
    make("div", { className: "tools" }, labelled("To the right", first), labelled("Upward", second)),
    make("div", { className: "figures" }, make("figure", { className: "pair" })), reading);
  compare.querySelector("figure").append(sheet);
  section.after(compare);
  for (const panel of panels) { panel.axes = [panel.proxy]; watch(panel); }
  watch(pair);
  function everywhere() { return [...panels, pair]; }
  follow(() => {
    const given = (name, other) => (proxies.includes(state.get(name)) ? state.get(name) : other);
    first.value = given("x", DATA.pair[0]);
    second.value = given("y", DATA.pair[1]);
    against();
    const place = cells.findIndex(cell => cell[0] === state.get("network"));
    mark(place < 0 ? null : place, true);
  });
  start();

  function start() {
    const apply = () => { read(); for (const each of followers) each(); };
    apply();
    addEventListener("hashchange", () => { if (location.hash.includes("=")) apply(); });
  }
})();
