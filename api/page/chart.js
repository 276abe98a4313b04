// SPDX-License-Identifier: Apache-2.0
// Two charts on canvas over one time axis: requests per second by cluster, and latency. No library.
"use strict";

const RelocateChart = (() => {
  const LEFT = 40, RIGHT = 8, AXIS = 16, ROW = 15, HEAD = 2 * ROW;
  const FONT = '11px system-ui, "Liberation Sans", sans-serif';

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /** Scale the canvas to the screen's pixels; null while it is not shown. */
  function prepare(canvas) {
    const width = canvas.clientWidth, height = canvas.clientHeight, ratio = window.devicePixelRatio || 1;
    if (!width || !height) return null;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = FONT;
    return {pen, width, height};
  }

  /** Seconds since 1970 to pixels. */
  const across = (view, width) => (at) => LEFT + (at - view.from) / (view.to - view.from) * (width - LEFT - RIGHT);

  function niceTop(value) {
    const unit = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
    return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((k) => k * unit).find((top) => top >= value);
  }

  function clock(at, step) {
    const moment = new Date(at * 1000), two = (n) => String(n).padStart(2, "0");
    return `${two(moment.getHours())}:${two(moment.getMinutes())}` + (step < 60 ? `:${two(moment.getSeconds())}` : "");
  }

  function timeAxis(pen, view, x, bottom, width) {
    const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 14400].find((s) => (view.to - view.from) / s <= width / 90) || 86400;
    pen.fillStyle = colour("--muted");
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) {
      if (x(at) > LEFT + 16 && x(at) < width - 24) pen.fillText(clock(at, step), x(at), bottom + 3);
    }
  }

  function grid(pen, marks, y, width) {
    pen.strokeStyle = colour("--line");
    pen.fillStyle = colour("--muted");
    pen.lineWidth = 1;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const [value, label] of marks) {
      const at = Math.round(y(value)) + .5;
      pen.beginPath(); pen.moveTo(LEFT, at); pen.lineTo(width - RIGHT, at); pen.stroke();
      pen.fillText(label, LEFT - 6, at);
    }
  }

  /** Phases as bands behind everything, and moments as dashed lines. */
  function bands(pen, view, x, bottom, width) {
    for (const band of view.bands) {
      const from = Math.max(x(band.from), LEFT), to = Math.min(x(band.to), width - RIGHT);
      if (to <= from) continue;
      pen.fillStyle = colour(band.strong ? "--band-strong" : "--band");
      pen.fillRect(from, 0, Math.max(to - from, 1), bottom);
      pen.fillStyle = colour("--line");
      pen.fillRect(from, 0, 1, bottom);
    }
    pen.setLineDash([3, 3]);
    for (const mark of view.marks) {
      if (x(mark.at) < LEFT || x(mark.at) > width - RIGHT) continue;
      pen.strokeStyle = colour(mark.tone || "--muted");
      pen.beginPath(); pen.moveTo(x(mark.at), 0); pen.lineTo(x(mark.at), bottom); pen.stroke();
    }
    pen.setLineDash([]);
  }

  /** Names of phases in the first row and of moments in the second, where there is room. */
  function names(pen, view, x, width) {
    let free = LEFT;
    pen.textBaseline = "top";
    pen.textAlign = "left";
    pen.fillStyle = colour("--muted");
    for (const band of view.bands) {
      const at = Math.max(x(band.from) + 4, free), room = pen.measureText(band.name).width;
      // The switch is what one looks for: its name may stand beyond its end.
      const limit = band.strong ? at + room : Math.min(x(band.to), width - RIGHT);
      if (x(band.from) < LEFT || at + room > limit || at + room > width || (band.strong && at > x(band.to) + 20)) continue;
      pen.fillText(band.name, at, 2);
      free = at + room + 6;
    }
    const taken = [LEFT, LEFT];
    for (const mark of [...view.marks].sort((a, b) => a.at - b.at)) {
      const room = pen.measureText(mark.text).width, at = x(mark.at) + 4, row = mark.above ? 0 : 1;
      if (at < taken[row] || at + room > width) continue;
      pen.fillStyle = colour(mark.tone || "--muted");
      pen.fillText(mark.text, at, row * ROW + 2);
      taken[row] = at + room + 4;
    }
  }

  function cursor(pen, view, x, top, bottom) {
    if (view.hover == null) return;
    pen.strokeStyle = colour("--ink");
    pen.beginPath(); pen.moveTo(x(view.hover), top); pen.lineTo(x(view.hover), bottom); pen.stroke();
  }

  /** Bars, one for each second, stacked by cluster; what failed stands on top in red, never thinner than three pixels. */
  function rate(canvas, view) {
    const sheet = prepare(canvas);
    if (!sheet) return;
    const {pen, width, height} = sheet, bottom = height - AXIS, x = across(view, width);
    const shown = view.seconds.filter((second) => second.at > view.from && second.at - 1 < view.to);
    const most = niceTop(Math.max(10, ...shown.map((second) => second.sent)));
    const y = (value) => bottom - value / most * (bottom - HEAD);
    bands(pen, view, x, bottom, width);
    grid(pen, [[0, "0"], [most / 2, String(most / 2)], [most, String(most)]], y, width);
    for (const second of shown) {
      const from = Math.max(x(second.at - 1), LEFT), wide = Math.max(x(second.at) - from - (x(1) - x(0) > 5 ? 1 : 0), .6);
      let under = 0;
      for (const side of view.sides) {
        const count = second.sides[side.name] || 0;
        pen.fillStyle = side.colour;
        pen.fillRect(from, y(under + count), wide, y(under) - y(under + count));
        under += count;
      }
      const failed = second.lost + second.wrong;
      if (failed) {
        const tall = Math.max(y(under) - y(under + failed), 3);
        pen.fillStyle = colour("--bad");
        pen.fillRect(from, y(under) - tall, Math.max(wide, 2), tall);
      }
    }
    veil(pen, view, x, y(most), bottom, width);
    names(pen, view, x, width);
    cursor(pen, view, x, 0, bottom);
    timeAxis(pen, view, x, bottom, width);
  }

  /** Switch and teardown shine through the bars that hide their bands. */
  function veil(pen, view, x, top, bottom, width) {
    pen.globalAlpha = .3;
    pen.fillStyle = colour("--card");
    for (const band of view.bands.filter((one) => one.strong)) {
      const from = Math.max(x(band.from), LEFT), to = Math.min(x(band.to), width - RIGHT);
      if (to > from) pen.fillRect(from, top, Math.max(to - from, 1), bottom - top);
    }
    pen.globalAlpha = 1;
  }

  /** Median and 99th percentile as lines, on a logarithmic scale. */
  function latency(canvas, view) {
    const sheet = prepare(canvas);
    if (!sheet) return;
    const {pen, width, height} = sheet, bottom = height - AXIS, x = across(view, width);
    const shown = view.seconds.filter((second) => second.at > view.from && second.at - 1 < view.to);
    const values = shown.flatMap((second) => [second.p50, second.p99]).filter((value) => value > 0);
    const low = Math.floor(Math.log10(Math.min(10, ...values))), high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(1, ...values))));
    const y = (value) => bottom - (Math.log10(value) - low) / (high - low) * (bottom - 6);
    bands(pen, view, x, bottom, width);
    const marks = [];
    for (let power = low; power <= high; power++) marks.push([10 ** power, String(10 ** power)]);
    grid(pen, marks, y, width);
    pen.save();
    pen.beginPath(); pen.rect(LEFT, 0, width - LEFT - RIGHT, bottom); pen.clip();
    for (const [key, name] of [["p99", "--p99"], ["p50", "--p50"]]) {
      pen.strokeStyle = colour(name);
      pen.lineWidth = 2;
      pen.lineJoin = "round";
      pen.beginPath();
      let before = null;
      for (const second of shown) {
        if (!(second[key] > 0)) { before = null; continue; }
        const joined = before !== null && second.at - before < 2.5;
        pen[joined ? "lineTo" : "moveTo"](x(second.at - .5), y(second[key]));
        if (!joined) pen.lineTo(x(second.at - .5) + 1, y(second[key]));
        before = second.at;
      }
      pen.stroke();
    }
    pen.restore();
    cursor(pen, view, x, 0, bottom);
    timeAxis(pen, view, x, bottom, width);
  }

  /** The moment under a pointer, or null. */
  function momentAt(canvas, view, pixel) {
    const width = canvas.clientWidth;
    if (pixel < LEFT || pixel > width - RIGHT) return null;
    return view.from + (pixel - LEFT) / (width - LEFT - RIGHT) * (view.to - view.from);
  }

  return {rate, latency, momentAt, colour};
})();
