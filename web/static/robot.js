// The robot's page: the drawing, who drives, and motions that end the moment a button is let go.
"use strict";
// The page's library puts the page into the document after this script has run.
const waitForPage = setInterval(() => {
  const find = (selector) => document.querySelector(selector);
  if (!find(".robot-page")) return;
  clearInterval(waitForPage);
  const page = find(".robot-page");
  const me = page.dataset.me;
  const drives = page.dataset.drives === "1";
  const twin = new window.Twin(find("#twin"));
  const { post, toast, overLine } = window.trellis;
  const KEEP_MS = 25;
  let mine = false;

  let said = "";
  // What was refused stands until the next try.
  const say = (text, ours = true) => {
    if (ours) said = text;
    text = said || text;
    const shown = find("#refusal");
    if (!shown) return;
    shown.textContent = text || "";
    shown.hidden = !text;
  };
  const degrees = (rad) => `${((rad * 180) / Math.PI).toFixed(1)}°`;

  function show(live) {
    twin.live = live;
    twin.draw();
    const robot = live.robot;
    const where = robot.x_m === null ? "" : `carriage at ${robot.x_m.toFixed(3)}, ${robot.y_m.toFixed(3)} m, turned by ${degrees(robot.yaw_rad)}`;
    const camera = robot.camera_m ? `; camera ${robot.camera_m.map((value) => value.toFixed(3)).join(", ")} m` : "";
    const path = live.planned_m.length ? `; ${live.planned_m.length} viewpoints to come` : "";
    const why = where ? "" : robot.reachable && drives ? "Where the robot is is not known yet: find home, or let the first scan do it." : robot.reason || "The devices do not say where the robot is.";
    find("#twin-words").textContent = where ? `${where[0].toUpperCase()}${where.slice(1)}${camera}${path}.` : why;
    robot.lengths_m?.forEach((value, index) => (find(`[data-length="${index}"]`).textContent = `${value.toFixed(3)} m`));
    robot.tensions_n?.forEach((value, index) => {
      find(`[data-tension="${index}"]`).textContent = `${value.toFixed(1)} N`;
      const { tension_min_n: low, tension_max_n: high } = twin.still;
      const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
      const bar = find(`[data-bar="${index}"]`);
      bar.style.width = `${100 * share}%`;
      bar.classList.toggle("bad", value < low || value > high);
    });
    ["base", "shoulder", "elbow", "wrist"].forEach((joint, index) => {
      const cell = find(`[data-joint="${joint}"]`);
      if (!cell || !robot.joints_rad) return;
      cell.textContent = degrees(robot.joints_rad[index]);
      cell.title = `${degrees(twin.still.joints_low_rad[index])} to ${degrees(twin.still.joints_high_rad[index])}`;
    });
    showHolder(live.driver, robot);
  }

  function showHolder(driver, robot) {
    mine = driver === me;
    const moving = robot.motion ? `: ${{ home: "finding home", park: "parking", step: "a step", hold: "moving", calibrate: "calibrating" }[robot.motion]}` : "";
    find("#holder").textContent = !driver
      ? "Nobody holds the controls."
      : mine ? `You hold the controls${moving}.` : `${driver} holds the controls${moving}. You can stop the robot.`;
    if (!drives) return;
    find("#take").hidden = mine;
    find("#take").disabled = Boolean(driver);
    find("#take").title = driver && !mine ? `${driver} holds them` : "";
    find("#let-go").hidden = find("#hand-over").hidden = !mine;
    find("#hands").disabled = !mine || robot.stopped || !robot.reachable;
    say(mine ? robot.refusal : "", false);
  }

  async function poll() {
    try {
      twin.still ??= await (await fetch("/api/v1/robot/cell")).json();
      const answer = await fetch("/api/v1/robot/twin", { cache: "no-store", signal: AbortSignal.timeout(6000) });
      if (answer.ok) show(await answer.json());
    } catch {
      // the bar above says that the server is lost
    }
    setTimeout(poll, document.hidden ? 2000 : 250);
  }

  for (const button of document.querySelectorAll("[data-view]"))
    button.addEventListener("click", () => twin.look(...window.Twin.VIEWS[button.dataset.view]));

  // Live pictures, one after the other.
  async function watch() {
    const [image, words] = [find("#picture"), find("#picture-words")];
    if (!find("#watch").checked) return;
    try {
      const answer = await fetch("/api/v1/robot/picture.jpg", { cache: "no-store", signal: AbortSignal.timeout(30000) });
      if (!answer.ok) throw new Error((await answer.json()).error);
      const bitmap = URL.createObjectURL(await answer.blob());
      image.onload = () => URL.revokeObjectURL(bitmap);
      image.src = bitmap;
      image.hidden = false;
      words.textContent = `Seen at ${new Date().toLocaleTimeString()}.`;
    } catch (error) {
      words.textContent = error.message;
    }
    setTimeout(watch, 1000);
  }
  find("#watch").addEventListener("change", watch);
  poll();
  if (!drives) return;

  const did = (promise) => promise.then(() => say("")).catch((error) => say(error.message));
  find("#take").addEventListener("click", () => did(post("/api/v1/robot/controls/take")));
  find("#let-go").addEventListener("click", () => did(post("/api/v1/robot/controls/let-go")));
  find("#hand-over").addEventListener("submit", (event) => {
    event.preventDefault();
    did(post(`/api/v1/robot/controls/hand-over?to=${encodeURIComponent(event.target.to.value)}`));
  });
  for (const button of document.querySelectorAll("[data-move]"))
    button.addEventListener("click", () => did(post("/api/v1/robot/move", 15000, "POST", { kind: button.dataset.move })));
  for (const radio of document.querySelectorAll("[name=how]"))
    radio.addEventListener("change", () => {
      for (const id of ["#step-m", "#step-deg"]) find(id).hidden = how() === "hold";
    });
  const how = () => find("[name=how]:checked").value;
  // Signs of life while one holds the controls and looks at the page.
  setInterval(() => mine && !document.hidden && overLine("present", 2000), 3000);

  let keeping = null;
  function hold(button) {
    release();
    say("");
    const more = { axis: button.dataset.axis, by: Number(button.dataset.by) };
    overLine("hold", 2000, more).then((answer) => {
      if (answer?.error) say(answer.error), release();
      else if (!answer) toast("The line to the robot is down; take a step instead.");
    });
    button.classList.add("pressed");
    keeping = { button, timer: setInterval(() => overLine("keep", 1000), KEEP_MS) };
  }
  function release() {
    if (!keeping) return;
    clearInterval(keeping.timer);
    keeping.button.classList.remove("pressed");
    keeping = null;
    overLine("release", 1000);
  }
  function step(button) {
    const { axis, by } = button.dataset;
    const way = "xy".includes(axis) ? Number(find("#step-m").value) : (Number(find("#step-deg").value) * Math.PI) / 180;
    did(post("/api/v1/robot/move", 15000, "POST", { kind: "step", axis, by: Number(by) * way }));
  }
  for (const button of document.querySelectorAll(".jog")) {
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || find("#hands").disabled) return;
      if (how() === "step") return step(button);
      button.setPointerCapture(event.pointerId);
      hold(button);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) button.addEventListener(end, release);
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    button.addEventListener("keydown", (event) => {
      if (![" ", "Enter"].includes(event.key)) return;
      event.preventDefault();
      if (event.repeat) return;
      if (how() === "step") step(button);
      else hold(button);
    });
    for (const end of ["keyup", "blur"]) button.addEventListener(end, release);
  }
  addEventListener("blur", release);
  addEventListener("pagehide", release);
  document.addEventListener("visibilitychange", () => document.hidden && release());
}, 30);
