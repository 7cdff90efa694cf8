// The wizard: what is in the way of a calibration, starting it, and how far it is.
"use strict";
const waitForWizard = setInterval(() => {
  const find = (selector) => document.querySelector(selector);
  if (!find(".wizard")) return;
  clearInterval(waitForWizard);
  const button = find("#calibrate");
  let running = false;
  let said = "";

  function check(name, good, why) {
    const line = find(`[data-check="${name}"]`);
    line.dataset.good = good;
    line.title = why || "";
  }

  async function poll() {
    try {
      const ask = (path) => fetch(path, { cache: "no-store", signal: AbortSignal.timeout(6000) }).then((answer) => answer.json());
      const [robot, controls] = await Promise.all([ask("/api/v1/robot"), ask("/api/v1/robot/controls")]);
      const ready = robot.reachable && !robot.stopped;
      const free = robot.summary !== "robot at work" && (!controls.holder || controls.mine) && (!robot.motion || robot.motion === "calibrate");
      check("robot", ready ? "yes" : "no", robot.reachable ? "It is stopped" : robot.reason);
      check("free", free ? "yes" : "no", controls.holder && !controls.mine ? `${controls.holder} drives` : "It moves");
      check("dock", "look", "See for yourself");
      const calibrating = robot.motion === "calibrate";
      if (running && !calibrating && !robot.refusal && (robot.told || "").startsWith("passed")) return location.reload();
      running = calibrating;
      if (running && controls.mine) window.trellis.overLine("present", 2000);
      find("#how-far").textContent = running ? `Under way: ${robot.told || "finding home"}.` : "";
      const why = said || (robot.motion ? "" : robot.refusal);
      find("#why-not").textContent = why || "";
      find("#why-not").hidden = !why;
      if (button) {
        button.disabled = running || !ready || !free;
        button.title = running ? "It is under way" : ready ? (free ? "" : "The robot is not free") : "The robot does not answer or is stopped";
      }
    } catch {
      // the bar above says that the server is lost
    }
    setTimeout(poll, 1000);
  }

  button?.addEventListener("click", async () => {
    said = "";
    try {
      const asked = { kind: "calibrate", by: Number(find("#poses").value) };
      await window.trellis.post("/api/v1/robot/move", 15000, "POST", asked);
    } catch (error) {
      said = error.message;
    }
  });
  poll();
}, 30);
