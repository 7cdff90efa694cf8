// The cell drawn in space on a canvas: no library, turned by dragging; x to the right, y up, z out of the wall.
"use strict";
window.Twin = class {
  static VIEWS = { front: [0, 0], corner: [-0.6, 0.35], side: [-1.45, 0.08], above: [0, 1.35] };

  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    [this.turn, this.tilt] = Twin.VIEWS.corner;
    this.zoom = 1;
    this.still = this.live = null;
    let from = null;
    canvas.addEventListener("pointerdown", (event) => {
      from = [event.clientX, event.clientY];
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      this.look(this.turn + (event.clientX - from[0]) * 0.008, this.tilt + (event.clientY - from[1]) * 0.008);
      from = [event.clientX, event.clientY];
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (from = null));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom = Math.min(4, Math.max(0.5, this.zoom * Math.exp(-event.deltaY * 0.001)));
      this.draw();
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
      if (!way) return;
      event.preventDefault();
      this.look(this.turn + way[0], this.tilt + way[1]);
    });
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  look(turn, tilt) {
    this.turn = Math.min(1.55, Math.max(-1.55, turn));
    this.tilt = Math.min(1.5, Math.max(-0.5, tilt));
    this.draw();
  }

  // From the world to the picture: turned about the wall's middle, then seen from 3 frames away.
  at([x, y, z]) {
    const [cx, cy, cz] = this.middle;
    const [ct, st, ci, si] = [Math.cos(this.turn), Math.sin(this.turn), Math.cos(this.tilt), Math.sin(this.tilt)];
    const [dx, dy, dz] = [x - cx, y - cy, z - cz];
    const [rx, rz] = [ct * dx + st * dz, -st * dx + ct * dz];
    const [ry, depth] = [ci * dy - si * rz, si * dy + ci * rz];
    const far = this.size / (1 - depth / (3 * this.extent));
    return [this.width / 2 + rx * far, this.height / 2 - ry * far];
  }

  draw() {
    if (!this.still) return;
    const { canvas, pen, still, live } = this;
    const box = canvas.getBoundingClientRect();
    const dense = window.devicePixelRatio || 1;
    [this.width, this.height] = [box.width, box.height];
    if (canvas.width !== Math.round(box.width * dense)) canvas.width = Math.round(box.width * dense);
    if (canvas.height !== Math.round(box.height * dense)) canvas.height = Math.round(box.height * dense);
    const [xs, ys] = [0, 1].map((k) => still.pulleys_m.map((point) => point[k]));
    const [w, h, z] = [Math.max(...xs), Math.max(...ys), still.pulleys_m[0][2]];
    this.extent = Math.max(w, h);
    this.middle = [w / 2, h / 2, z / 2];
    this.size = this.zoom * 0.7 * Math.min(this.width / w, this.height / h);
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    pen.lineJoin = pen.lineCap = "round";

    const path = (points, { stroke, fill, width = 1, close = false, dash = [] }) => {
      pen.beginPath();
      points.forEach((point, index) => pen[index ? "lineTo" : "moveTo"](...this.at(point)));
      if (close) pen.closePath();
      pen.setLineDash(dash);
      if (fill) (pen.fillStyle = fill), pen.fill();
      if (stroke) (pen.strokeStyle = stroke), (pen.lineWidth = width), pen.stroke();
      pen.setLineDash([]);
    };
    const ring = (x, y, z0, r) =>
      Array.from({ length: 33 }, (_, k) => [x + r * Math.cos((k * Math.PI) / 16), y + r * Math.sin((k * Math.PI) / 16), z0]);
    const dot = (point, radius, fill) => {
      pen.beginPath();
      pen.arc(...this.at(point), radius, 0, 7);
      pen.fillStyle = fill;
      pen.fill();
    };
    const words = (text, point, fill, dy = 0) => {
      const [x, y] = this.at(point);
      pen.font = "12px Roboto, system-ui, sans-serif";
      pen.textAlign = "center";
      pen.lineWidth = 4;
      pen.strokeStyle = colour("panel");
      pen.strokeText(text, x, y + dy);
      pen.fillStyle = fill;
      pen.fillText(text, x, y + dy);
    };

    path([[0, 0, 0], [w, 0, 0], [w, h, 0], [0, h, 0]], { fill: colour("faint"), stroke: colour("line"), close: true });
    for (let x = 0.5; x < w; x += 0.5) path([[x, 0, 0], [x, h, 0]], { stroke: colour("line") });
    for (let y = 0.5; y < h; y += 0.5) path([[0, y, 0], [w, y, 0]], { stroke: colour("line") });
    for (const [x, y] of still.pulleys_m) path([[x, y, 0], [x, y, z]], { stroke: colour("line") });
    const many = still.plants.length > 60;
    for (const { name, position_m: [x, y, z0], radius_m: r, height_m: tall } of still.plants) {
      path(ring(x, y, z0, r), { stroke: colour("green"), width: 1, fill: `color-mix(in srgb, ${colour("green")} 22%, transparent)` });
      if (many) continue;
      path(ring(x, y, z0 + tall, r * 0.72), { stroke: colour("green"), width: 0.6 });
      words(name, [x, y, z0 + tall], colour("soft"), 4);
    }
    path(still.workspace_m, { stroke: colour("soft"), dash: [3, 5], close: true });
    path(still.pulleys_m, { stroke: colour("soft"), close: true });
    if (live?.planned_m?.length) {
      path(live.planned_m, { stroke: colour("amber"), dash: [2, 4] });
      for (const point of live.planned_m) dot(point, 2, colour("amber"));
    }
    if (live?.corners_m) {
      if (live.robot.age_s > 3) pen.globalAlpha = 0.4;
      const { tension_min_n: low, tension_max_n: high } = still;
      live.corners_m.forEach((corner, index) => {
        const tension = live.robot.tensions_n?.[index];
        const bad = tension !== undefined && (tension < low || tension > high);
        const wide = tension === undefined ? 1 : 1 + 2 * Math.min(1, Math.max(0, tension / high));
        const pulley = still.pulleys_m[index];
        path([pulley, corner], { stroke: bad ? colour("red") : colour("soft"), width: wide });
        if (tension !== undefined && this.width > 420)
          words(`${tension.toFixed(0)} N`, pulley.map((value, k) => 0.4 * value + 0.6 * corner[k]), bad ? colour("red") : colour("ink"), 4);
      });
      path(live.corners_m, { stroke: colour("ink"), width: 2, fill: `color-mix(in srgb, ${colour("ink")} 10%, transparent)`, close: true });
      path(live.arm_m, { stroke: colour("ink"), width: 5 });
      for (const joint of live.arm_m) dot(joint, 4, colour("panel")), dot(joint, 2.6, colour("ink"));
      const [eye, ...corners] = live.cone_m;
      path(corners, { fill: `color-mix(in srgb, ${colour("amber")} 18%, transparent)`, stroke: colour("amber"), close: true });
      for (const corner of corners) path([eye, corner], { stroke: colour("amber") });
      dot(eye, 4, colour("amber"));
      pen.globalAlpha = 1;
    }
    for (const pulley of still.pulleys_m) dot(pulley, 4, colour("soft"));
  }
};
