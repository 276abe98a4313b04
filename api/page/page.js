// SPDX-License-Identifier: Apache-2.0
// The page: relocations live by server-sent events, or one finished story from a snapshot in the document.
// Whatever others wrote is shown by textContent only.
"use strict";

(() => {
  const $ = (id) => document.getElementById(id);
  const PHASES = ["select", "deploy", "prepare", "ready", "transfer", "switch", "bake", "drain", "teardown"];
  const RUNGS = {E0: "written", E1: "observed", E2: "acknowledged", E3: "probed", E4: "watched", E5: "drained"};
  const TONES = {
    accepted: "go", running: "go", held: "warn", undoing: "warn", needs_operator: "bad",
    completed: "good", nothing_to_do: "good", no_target: "warn", rolled_back: "warn", cancelled: "warn",
  };
  const KEPT_SECONDS = 7200, LIVE_WINDOW = 120;

  const state = {
    relocations: new Map(), decisions: new Map(), evidence: new Map(), passed: new Map(),
    selected: null, picked: false, range: "live", offline: false,
    feed: false, seconds: [], watched: [], marks: [], comparison: null, verdict: null, passedAll: null, hover: null,
  };

  // ---- small parts -------------------------------------------------------------------------------------------------

  function make(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in made) made[name] = value; else made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  function say(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  const words = (name) => String(name).replaceAll("_", " ");
  const when = (text) => Date.parse(text) / 1000;
  const number = (value) => Number(value).toLocaleString("en-GB");

  function span(seconds) {
    if (seconds < 0.9995) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
    if (seconds < 60) return `${seconds.toFixed(1)} s`;
    const whole = Math.round(seconds);
    return whole < 3600 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
  }

  const ms = (value) => value === null || value === undefined ? "–" : value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
  const now = () => state.offline ? lastMoment() : Date.now() / 1000;
  const current = () => state.relocations.get(state.selected) || null;
  const stateOf = (view) => view.outcome || view.status;

  function lastMoment() {
    const ends = [...state.relocations.values()].map((view) => when(view.finished_at || view.created_at));
    return Math.max(0, ...ends, ...state.seconds.slice(-1).map((second) => second.at));
  }

  /** Clusters keep their colour: the first four that are named get one each. */
  const colours = new Map();
  function colourOf(cluster) {
    if (!colours.has(cluster)) colours.set(cluster, `--side-${colours.size % 4}`);
    return RelocateChart.colour(colours.get(cluster));
  }

  function nameColours() {
    const sides = [...state.relocations.values()].flatMap((view) => [view.source, view.target]);
    const seen = [...sides, ...traffic().slice(-60).flatMap((second) => Object.keys(second.sides))];
    for (const name of new Set(seen.filter(Boolean).sort())) colourOf(name);
  }

  // ---- traffic -----------------------------------------------------------------------------------------------------

  /** A second in the page's form, from a line of the feed or of the prober's record. */
  function secondOf(line) {
    const sides = {};
    for (const [name, counts] of Object.entries(line.clusters || line.by_cluster || {})) {
      if (name !== "none") sides[name] = typeof counts === "number" ? counts : counts.right;
    }
    return {
      at: Number(line.at ?? line.second), sent: line.sent, lost: line.lost || 0, wrong: line.wrong || 0,
      sides, p50: line.p50_ms, p99: line.p99_ms, drive: line.drive || null,
    };
  }

  /** One line of the feed: a second, a mark ({mark, at}), or a comparison ({comparison: {today, ours}}). */
  function takeLine(line) {
    if (line.comparison) state.comparison = line.comparison;
    if (typeof line.mark === "string") state.marks.push({at: Number(line.at), text: line.mark});
    if (line.sent === undefined) return;
    state.seconds.push(secondOf(line));
    if (state.seconds.length > KEPT_SECONDS) state.seconds.shift();
  }

  const traffic = () => state.seconds.length ? state.seconds : state.watched;

  function bandsOf(view) {
    return view.steps.filter((step) => step.started_at).map((step) => ({
      name: step.phase, from: when(step.started_at), to: step.finished_at ? when(step.finished_at) : now(),
      strong: step.phase === "switch" || step.phase === "teardown",
    }));
  }

  /** When the point of no return was passed: as seen live, else when the teardown began. */
  function passedAt(view) {
    const last = view.steps.find((step) => step.phase === "teardown");
    return state.passed.get(view.id) ?? when(last?.started_at || view.finished_at || view.created_at);
  }

  function chartView() {
    const views = [...state.relocations.values()], seconds = traffic(), view = current(), end = now();
    const names = [...new Set([...seconds.flatMap((second) => Object.keys(second.sides))])].sort();
    let from = end - LIVE_WINDOW, to = end;
    if (state.range === "one" && view) {
      from = when(view.created_at) - 3;
      to = (view.finished_at ? when(view.finished_at) : end) + 3;
    } else if (state.range === "all" && seconds.length) {
      from = Math.min(seconds[0].at - 1, ...views.map((one) => when(one.created_at)));
      to = Math.max(seconds[seconds.length - 1].at, state.offline ? lastMoment() : end);
    } else if (seconds.length && seconds[0].at - 1 > from) {
      from = Math.min(seconds[0].at - 1, end); // a young run fills the chart, which grows until the window is full
      to = Math.max(end, from + 30);
    }
    const drives = seconds.filter((second, index) => second.drive && second.drive !== seconds[index - 1]?.drive)
      .map((second) => ({at: second.at - 1, text: second.drive === "today" ? "today's order" : "this service", tone: "--ink", above: true}));
    const passed = views.filter((one) => one.point_of_no_return).map((one) => ({at: passedAt(one), text: "no return", tone: "--warn"}));
    return {
      seconds, from, to, hover: state.hover, bands: views.flatMap(bandsOf).sort((a, b) => a.from - b.from), marks: [...state.marks, ...drives, ...passed],
      sides: names.map((name) => ({name, colour: colourOf(name)})),
    };
  }

  function drawCharts() {
    const seconds = traffic();
    $("charts").hidden = !seconds.length;
    if (!seconds.length) return;
    const view = chartView();
    RelocateChart.rate($("rate"), view);
    RelocateChart.latency($("latency"), view);
    const shown = seconds.filter((second) => second.at > view.from && second.at - 1 < view.to);
    const lost = shown.reduce((sum, second) => sum + second.lost, 0), wrong = shown.reduce((sum, second) => sum + second.wrong, 0);
    const source = state.seconds.length ? "counted by the clients" : "sampled by the prober";
    $("rate").setAttribute("aria-label", `Requests per second by cluster, ${source}: ${number(lost)} lost and ${number(wrong)} wrong in the time shown.`);
    $("latency").setAttribute("aria-label", "Median and 99th percentile of latency over the same time.");
    legend(view, source);
    readout(shown, lost, wrong);
  }

  let legendShown = "";
  function legend(view, source) {
    const wanted = JSON.stringify([view.sides, source, RelocateChart.colour("--bad")]);
    if (wanted === legendShown) return;
    legendShown = wanted;
    const entry = (name, shade) => {
      const dot = make("i", {className: "dot"});
      dot.style.background = shade;
      return make("span", {}, dot, name);
    };
    $("legend").replaceChildren(
      ...view.sides.map((side) => entry(side.name, side.colour)), entry("lost or wrong", RelocateChart.colour("--bad")),
      entry("p50", RelocateChart.colour("--p50")), entry("p99", RelocateChart.colour("--p99")), make("span", {}, source),
    );
  }

  function readout(shown, lost, wrong) {
    const at = state.hover, second = at === null ? null : shown.find((one) => at > one.at - 1 && at <= one.at);
    if (!second) {
      say($("readout"), shown.length ? `In the time shown: ${number(shown.reduce((sum, one) => sum + one.sent, 0))} requests, ${number(lost)} lost, ${number(wrong)} wrong.` : "No traffic in the time shown.");
      return;
    }
    const sides = Object.entries(second.sides).map(([name, count]) => `${name} ${number(count)}`).join(", ");
    say($("readout"), `${new Date((second.at - 1) * 1000).toLocaleTimeString("en-GB")}: ${sides || "nobody answered"}; lost ${second.lost}, wrong ${second.wrong}; p50 ${ms(second.p50)}, p99 ${ms(second.p99)}.`);
  }

  // ---- today and ours ----------------------------------------------------------------------------------------------

  function sums(drive) {
    const mine = state.seconds.filter((second) => second.drive === drive);
    if (!mine.length) return null;
    const total = (key) => mine.reduce((sum, second) => sum + second[key], 0);
    return {sent: total("sent"), lost: total("lost"), wrong: total("wrong"), longest_gap_ms: null};
  }

  function drawComparison() {
    const told = state.comparison || {}, both = {today: told.today || sums("today"), ours: told.ours || sums("ours")};
    $("comparison").hidden = !both.today && !both.ours;
    for (const side of ["today", "ours"]) {
      const account = both[side];
      const cell = (name, text, tone) => make("div", {}, make("dt", {}, name), make("dd", tone ? {"data-tone": tone} : {}, text));
      const judged = (value) => value ? "bad" : side === "ours" ? "good" : "";
      $(side).querySelector("dl").replaceChildren(...(account ? [
        cell("sent", number(account.sent)), cell("lost", number(account.lost), judged(account.lost)), cell("wrong", number(account.wrong), judged(account.wrong)),
        ...(account.longest_gap_ms === null || account.longest_gap_ms === undefined ? [] : [cell("longest gap", ms(account.longest_gap_ms))]),
      ] : [cell("", "not yet")]));
    }
    $("verdict").hidden = !state.verdict;
    if (state.verdict) {
      say($("verdict"), state.verdict);
      $("verdict").dataset.tone = state.passedAll === false ? "bad" : "good";
    }
  }

  // ---- the list ----------------------------------------------------------------------------------------------------

  function ordered() {
    return [...state.relocations.values()].sort((a, b) => b.created_at.localeCompare(a.created_at) || b.id.localeCompare(a.id));
  }

  function drawList() {
    const list = $("list"), views = ordered().slice(0, 100);
    $("none").hidden = views.length > 0;
    const items = new Map([...list.children].map((item) => [item.dataset.id, item]));
    const wanted = views.map((view) => {
      const item = items.get(view.id) || make("li", {"data-id": view.id}, make("button", {type: "button", className: "item", onclick: () => pick(view.id)}, make("b"), make("span"), make("span")));
      const button = item.firstChild;
      button.setAttribute("aria-current", String(view.id === state.selected));
      say(button.children[0], view.application);
      say(button.children[1], `${view.source || "?"} → ${view.target || "choosing"}`);
      const [word, time] = [words(stateOf(view)), new Date(view.created_at).toLocaleTimeString("en-GB")];
      if (button.children[2].textContent !== word + time) button.children[2].replaceChildren(make("i", {}, word), make("i", {}, time));
      return item;
    });
    if (wanted.length !== list.children.length || wanted.some((item, index) => list.children[index] !== item)) list.replaceChildren(...wanted);
  }

  function pick(id) {
    state.selected = id;
    state.picked = true;
    if (!state.offline && state.relocations.get(id)?.finished_at) state.range = "one";
    loadEvidence();
    draw();
  }

  // ---- the selected relocation -------------------------------------------------------------------------------------

  function drawDetail() {
    const view = current();
    $("detail").hidden = !view;
    if (!view) return;
    const [a, b] = [view.source || "?", view.target || "?"], word = stateOf(view);
    say($("what"), `${view.application}: ${a} → ${view.target || "choosing"}`);
    say($("chip"), words(word));
    $("chip").dataset.tone = TONES[word] || "";
    drawTook();
    say($("sentence"), view.sentence);
    $("next").hidden = !view.next_step;
    say($("next"), view.next_step ? `What you can do: ${view.next_step}` : "");
    drawPipeline(view);
    drawWeights(view);
    say($("left-title"), `Left on ${a}`);
    say($("left"), view.left_on_source === null || view.left_on_source === undefined ? "–" : number(view.left_on_source));
    say($("left-text"), (view.left_on_source === null || view.left_on_source === undefined ? "not counted yet" : "requests and streams still open") + (view.cut === 0 || view.cut === undefined ? "" : view.cut === null ? "; an unknown number cut by force" : `; at least ${number(view.cut)} cut by force`));
    drawWay(view, a);
    drawActions(view, a, b);
    drawSteps(view);
  }

  function drawTook() {
    const view = current();
    if (view) say($("took"), `${span((view.finished_at ? when(view.finished_at) : now()) - when(view.created_at))}${view.request?.reason ? ` · ${view.request.reason}` : ""}`);
  }

  function took(step) {
    if (!step.started_at) return step.state === "pending" ? "" : words(step.state);
    const time = span((step.finished_at ? when(step.finished_at) : now()) - when(step.started_at));
    return step.state === "done" || step.state === "running" ? time : `${words(step.state)}, ${time}`;
  }

  function drawPipeline(view) {
    const steps = new Map(view.steps.map((step) => [step.phase, step])), list = $("pipeline");
    if (!list.children.length) {
      for (const phase of PHASES) {
        if (phase === "teardown") list.append(make("li", {className: "pnr"}, make("b", {}, "point of no return"), make("span")));
        list.append(make("li", {className: "phase", "data-phase": phase}, make("b", {}, phase), make("span")));
      }
    }
    for (const item of list.querySelectorAll(".phase")) {
      const step = steps.get(item.dataset.phase) || {phase: item.dataset.phase, state: "pending"};
      item.dataset.state = step.state;
      item.title = step.sentence || "";
      item.setAttribute("aria-label", `${step.phase}: ${words(step.state)}`);
      if (step.state === "running") item.setAttribute("aria-current", "step"); else item.removeAttribute("aria-current");
      say(item.lastChild, took(step) || " ");
    }
    const gate = list.querySelector(".pnr");
    gate.dataset.passed = String(view.point_of_no_return);
    say(gate.lastChild, view.point_of_no_return ? " passed" : view.status === "finished" ? " not passed" : " ahead");
  }

  function drawWeights(view) {
    const named = Object.entries(view.weights || {}).sort(([x], [y]) => (x === view.source ? -1 : y === view.source ? 1 : x.localeCompare(y)));
    const box = $("weights");
    const bars = new Map([...box.children].map((bar) => [bar.dataset.side, bar]));
    box.replaceChildren(...named.map(([name, weight]) => {
      const bar = bars.get(name) || make("i", {"data-side": name});
      bar.style.background = colourOf(name);
      bar.style.width = `${weight}%`;
      return bar;
    }));
    const text = named.map(([name, weight]) => `${name} ${weight} %`).join(" · ") || "not steered yet";
    say($("weights-text"), text);
    box.setAttribute("aria-label", `Weights: ${text}`);
  }

  function drawWay(view, a) {
    const gone = view.point_of_no_return, over = view.status === "finished";
    const undone = ["rolled_back", "cancelled"].includes(view.outcome);
    say($("way"), gone ? "point of no return passed" : over ? (undone ? `back on ${a}` : "nothing to go back from") : "open");
    $("way").dataset.open = String(!gone);
    say($("way-text"), gone ? (over ? `${a} was proven unused, then removed` : `${a} is proven unused and is being removed; a cancel comes too late`) : over ? (undone ? `users never left, or returned to, a healthy ${a}` : "no instance was moved") : `${a} stays whole; until teardown, going back to it is a route change`);
  }

  function possible(view) {
    const open = view.status === "needs_operator", going = ["accepted", "running", "held"].includes(view.status);
    return {
      hold: ["accepted", "running"].includes(view.status) && !view.point_of_no_return, proceed: view.status === "held",
      cancel: (going || open) && !view.point_of_no_return, retry: open, settle: open, "finish-cleanup": open, abandon: open,
    };
  }

  function drawActions(view, a, b) {
    const may = possible(view), open = view.status === "needs_operator";
    $("actions").hidden = state.offline;
    for (const button of $("actions").children) {
      const side = button.dataset.side && (button.dataset.side === "source" ? a : b);
      button.disabled = !may[button.dataset.command];
      button.hidden = ("open" in button.dataset && !open) || (open && ["hold", "proceed"].includes(button.dataset.command));
      if (side) say(button, `Settle on ${side}`);
    }
  }

  function drawSteps(view) {
    const rows = view.steps.filter((step) => step.sentence);
    $("steps").hidden = !rows.length;
    $("steps").querySelector("tbody").replaceChildren(...rows.map((step) => make("tr", {},
      make("td", {className: "nowrap"}, step.phase), make("td", {className: "nowrap no"}, took(step)), make("td", {}, step.sentence))));
  }

  // ---- decision and evidence ---------------------------------------------------------------------------------------

  function drawProof() {
    const view = current(), evidence = view && state.evidence.get(view.id), decision = view && (state.decisions.get(view.id) || evidence?.decision);
    $("pair").hidden = !view || (!evidence && !decision);
    if ($("pair").hidden) return;
    drawDecision(view, decision);
    drawEvidence(evidence);
  }

  function drawDecision(view, decision) {
    say($("decision-text"), decision ? [decision.sentence, decision.fallback && `Fallback: ${decision.fallback}`].filter(Boolean).join(" ") : view.request?.target ? `${view.request.target} was asked for by name.` : "Not decided yet.");
    $("decision").hidden = !decision || !(decision.ranked?.length || decision.rejected?.length);
    if ($("decision").hidden) { $("decision").replaceChildren(); return; }
    const best = Math.max(1, ...decision.ranked.map((one) => one.score));
    const ranked = decision.ranked.map((one, index) => {
      const bar = make("i", {className: "bar"});
      bar.style.width = `${Math.max(2, one.score / best * 100)}%`;
      const scores = Object.entries(one.scores || {}).map(([name, score]) => `${name} ${Math.round(score)}`).join(", ");
      return make("tr", {}, make("td", {className: "nowrap"}, `${index + 1}. ${one.cluster}`), make("td", {className: "score"}, one.score.toFixed(1), bar), make("td", {className: "no"}, scores));
    });
    const rejected = (decision.rejected || []).map((one) => make("tr", {className: "no"}, make("td", {className: "nowrap"}, one.cluster), make("td", {}, "not fit"), make("td", {}, one.reasons.join("; "))));
    $("decision").replaceChildren(make("tbody", {}, ...ranked, ...rejected));
  }

  function drawEvidence(evidence) {
    const entries = evidence?.entries || [];
    $("rungs").replaceChildren(...Object.entries(RUNGS).map(([rung, name]) => {
      const mine = entries.filter((entry) => entry.claim.rung === rung), last = mine[mine.length - 1];
      const holds = mine.filter((entry) => entry.claim.holds).length, tone = !last ? "" : last.claim.holds ? "good" : "bad";
      const many = mine.length > 1 ? ` (${holds} of ${mine.length} claims hold)` : "";
      const basis = last && last.claim.basis !== "said" ? ` · ${last.claim.basis}${last.claim.period_seconds ? ` every ${span(last.claim.period_seconds)}` : ""}` : "";
      return make("li", {"data-tone": tone}, make("span", {className: "mark", "aria-label": !last ? "none" : last.claim.holds ? "holds" : "does not hold"}, !last ? "–" : last.claim.holds ? "✓" : "✗"),
        make("span", {}, `${rung} ${name}`), make("span", {className: last ? "" : "no"}, last ? last.claim.sentence : "nothing yet", make("span", {className: "no"}, basis + many)));
    }));
    const watched = (evidence?.watched || []).reduce((sum, one) => sum + one.seconds, 0), holes = (evidence?.watched || []).reduce((sum, one) => sum + one.missing, 0);
    say($("chain"), evidence?.head ? `${number(entries.length)} claims, ${evidence.broken_link ? `the chain is broken at ${evidence.broken_link}` : "chain whole"}, head ${evidence.head.slice(0, 12)}…${watched ? `; watched for ${number(watched)} s` : ""}${holes ? `, ${number(holes)} s missing` : ""}.` : "No claims yet.");
    const failures = evidence?.failures || [];
    $("failures").hidden = !failures.length;
    if (!failures.length) return;
    say($("failures").firstElementChild, `${number(failures.length)} failures seen by the prober`);
    $("failures").lastElementChild.replaceChildren(...failures.slice(0, 200).map((one) => make("li", {}, `${one.at.slice(11, 23)} ${one.vantage}: ${one.text}`)));
  }

  // ---- drawing, at most once a frame -------------------------------------------------------------------------------

  let planned = false;
  function draw() {
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => {
      planned = false;
      const newest = ordered()[0];
      if (newest && (!state.picked || !current())) {
        if (state.selected !== newest.id) { state.selected = newest.id; loadEvidence(); }
      }
      nameColours();
      drawList(); drawDetail(); drawProof(); drawComparison(); drawCharts();
      for (const button of $("range").children) button.setAttribute("aria-pressed", String(button.dataset.range === state.range));
    });
  }

  // ---- the service -------------------------------------------------------------------------------------------------

  class Failed extends Error {}

  function authorised(headers = {}) {
    const token = sessionStorage.getItem("token");
    return token ? {...headers, Authorization: `Bearer ${token}`} : headers;
  }

  let asking = null;
  function askToken() {
    asking ??= new Promise((resolve) => {
      $("token").value = "";
      $("login").addEventListener("close", () => {
        sessionStorage.setItem("token", $("token").value.trim());
        asking = null;
        resolve();
      }, {once: true});
      $("login").showModal();
    });
    return asking;
  }

  async function ask(path, options = {}) {
    const answer = await fetch(path, {...options, headers: authorised(options.headers)});
    if (answer.status === 401) { await askToken(); return ask(path, options); }
    if (!answer.ok) {
      const problem = await answer.json().catch(() => ({}));
      const failed = new Failed(problem.detail || `${answer.status} ${answer.statusText}`);
      failed.status = answer.status;
      throw failed;
    }
    return answer;
  }

  /** Read server-sent events for ever (fetch, because an EventSource cannot send a token). */
  async function follow(path, take, told) {
    let last = null, wait = 500;
    for (;;) {
      try {
        const answer = await ask(path, {headers: last === null ? {} : {"Last-Event-ID": last}});
        told("live");
        wait = 500;
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        let rest = "";
        for (;;) {
          const {done, value} = await reader.read();
          if (done) break;
          const parts = (rest + value).split("\n\n");
          rest = parts.pop();
          for (const part of parts) {
            const fields = Object.fromEntries(part.split("\n").filter((line) => line && line[0] !== ":").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
            if (fields.id !== undefined) last = fields.id;
            if (fields.data !== undefined) take(fields.event, JSON.parse(fields.data));
          }
        }
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof Failed)) console.warn("a stream broke:", error.message);
      }
      told("lost");
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(wait * 2, 5000);
    }
  }

  /** The list may be ahead of the events, which begin with those of the last second, and the other way round. */
  function keepNewest(view) {
    const known = state.relocations.get(view.id);
    if (!known || known.revision <= view.revision) state.relocations.set(view.id, view);
  }

  function takeEvent(kind, told) {
    if (kind === "open") {
      if (told.reset) { location.reload(); return; } // the service began anew, with another database
      loadList();
      if (told.feed && !state.feed) {
        state.feed = true;
        follow("/v1/traffic/stream", (_, line) => { takeLine(line); draw(); }, () => {});
      }
      return;
    }
    if (kind === "decision") state.decisions.set(told.relocation, told.data);
    if (kind === "view") {
      const before = state.relocations.get(told.relocation);
      keepNewest(told.data);
      if (told.data.point_of_no_return && before && !before.point_of_no_return) state.passed.set(told.relocation, when(told.at));
      if (!before && told.data.status !== "finished") { state.picked = false; state.range = "live"; }
    }
    if (told.relocation === state.selected) loadEvidence();
    draw();
  }

  async function loadList() {
    try {
      const page = await (await ask("/v1/relocations?limit=100")).json();
      page.items.forEach(keepNewest);
      draw();
    } catch (error) { if (!(error instanceof Failed)) throw error; }
  }

  let evidenceDue = null;
  function loadEvidence() {
    if (state.offline || evidenceDue) return;
    evidenceDue = setTimeout(async () => {
      evidenceDue = null;
      const id = state.selected;
      if (!id) return;
      try {
        state.evidence.set(id, await (await ask(`/v1/relocations/${encodeURIComponent(id)}/evidence`)).json());
        if (!state.seconds.length) state.watched = (await (await ask(`/v1/relocations/${encodeURIComponent(id)}/watched`)).json()).map(secondOf);
      } catch (error) { console.warn("evidence cannot be read now:", error.message); }
      draw();
    }, state.evidence.has(state.selected) ? 1000 : 50);
  }

  // ---- commands ----------------------------------------------------------------------------------------------------

  const EXPLAINED = {
    hold: "It stops going forward after the step it is in. Going back is never held.",
    proceed: "It goes forward again.",
    cancel: "It is undone: traffic returns to the source while that is proven healthy, and what was put on the target is removed.",
    retry: "What could not be done is tried again.",
    settle: "Traffic stays on this side; refused unless it is proven healthy now.",
    "finish-cleanup": "What the relocation left behind is removed, and it ends.",
    abandon: "The relocation ends here and leaves everything as it is. Nothing is cleaned up.",
  };

  function command(button) {
    const view = current(), name = button.dataset.command;
    const cluster = button.dataset.side === "source" ? view.source : button.dataset.side === "target" ? view.target : null;
    say($("ask-title"), `${button.textContent}: ${view.application}, ${view.source} → ${view.target || "choosing"}`);
    say($("ask-text"), EXPLAINED[name]);
    say($("ask-yes"), button.textContent === "Cancel" ? "Cancel the relocation" : button.textContent);
    $("why").value = "";
    $("ask").returnValue = "";
    $("ask").addEventListener("close", () => {
      if ($("ask").returnValue === "yes") send(view.id, name, {why: $("why").value, ...(cluster ? {cluster} : {})});
    }, {once: true});
    $("ask").showModal();
    $("why").focus();
  }

  async function send(id, name, body) {
    $("result").hidden = false;
    say($("result"), `${name} …`);
    try {
      const answer = await (await ask(`/v1/relocations/${encodeURIComponent(id)}/${name}`, {method: "POST", body: JSON.stringify(body), headers: {"Content-Type": "application/json"}})).json();
      say($("result"), name === "cancel" ? "The cancel is recorded." : answer.sentence);
    } catch (error) { say($("result"), `${name}: ${error.message}`); }
    setTimeout(() => { $("result").hidden = true; }, 8000);
  }

  /** The signed record; a page that was saved has no service to ask, and gives what it shows. */
  async function download() {
    const id = state.selected, evidence = state.evidence.get(id);
    if (!evidence) return;
    try {
      const record = state.offline ? new Blob([JSON.stringify(evidence, null, 1)], {type: "application/json"}) : await (await ask(`/v1/relocations/${encodeURIComponent(id)}/evidence?download=true`)).blob();
      const address = URL.createObjectURL(record);
      make("a", {href: address, download: `${state.offline ? "unsigned-" : ""}evidence-${id}.json`}).click();
      setTimeout(() => URL.revokeObjectURL(address), 1000);
    } catch (error) { say($("chain"), `The record cannot be fetched now: ${error.message}`); }
  }

  // ---- start -------------------------------------------------------------------------------------------------------

  function listen() {
    $("actions").addEventListener("click", (event) => event.target.dataset.command && command(event.target));
    $("range").addEventListener("click", (event) => {
      if (event.target.dataset.range) { state.range = event.target.dataset.range; draw(); }
    });
    $("download").addEventListener("click", download);
    for (const canvas of [$("rate"), $("latency")]) {
      canvas.addEventListener("pointermove", (event) => {
        state.hover = RelocateChart.momentAt(canvas, chartView(), event.offsetX);
        drawCharts();
      });
      canvas.addEventListener("pointerleave", () => { state.hover = null; drawCharts(); });
    }
    addEventListener("resize", draw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }

  function live() {
    const link = (to) => { $("link").dataset.state = to; say($("link"), to === "live" ? "live" : "connection lost, trying again"); };
    follow("/v1/events/stream", takeEvent, link);
    setInterval(() => {
      const view = current();
      drawTook();
      if (view && view.status !== "finished") drawPipeline(view);
      if (state.range === "live") drawCharts();
    }, 500);
  }

  function replay(story) {
    state.offline = true;
    state.range = "all";
    for (const view of story.relocations || []) state.relocations.set(view.id, view);
    for (const [id, found] of Object.entries(story.evidence || {})) state.evidence.set(id, Array.isArray(found) ? {entries: found, head: found.at(-1)?.digest, watched: [], failures: []} : found);
    for (const [id, found] of Object.entries(story.decisions || {})) state.decisions.set(id, found);
    (story.traffic || []).forEach(takeLine);
    const report = story.report;
    if (report) {
      const {sent, lost, wrong, longest_gap_ms} = report;
      state.comparison = {ours: {sent, lost, wrong, longest_gap_ms}, today: report.today};
      state.verdict = report.verdict;
      state.passedAll = report.passed;
    }
    $("link").dataset.state = "saved";
    say($("link"), `saved ${new Date(lastMoment() * 1000).toLocaleString("en-GB")}`);
    $("range").firstElementChild.hidden = true;
    draw();
  }

  listen();
  const story = $("story");
  if (story) replay(JSON.parse(story.textContent)); else live();
})();
