// What must work even when the page's own live line does not: stop, the robot's state, ages, enlarging a photograph.
"use strict";
(() => {
  const find = (selector) => document.querySelector(selector);
  const config = JSON.parse(find("#bar").dataset.config);
  let answeredAt = performance.now();
  let toastTimer;

  function toast(text) {
    find("#toast").textContent = text;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => (find("#toast").textContent = ""), 8000);
  }

  // What the devices said some time ago carries its age.
  const age = (seconds) => (seconds > 3 ? `, seen ${Math.round(seconds)} s ago` : "");

  async function post(url) {
    const response = await fetch(url, { method: "POST" });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.error || `the server answered ${response.status}`);
    return answer;
  }

  function show(robot) {
    const state = !robot.reachable ? "silent" : robot.stopped ? "stopped" : "live";
    document.body.dataset.robot = state;
    find("#robot").textContent = { silent: "daemon silent", stopped: "robot stopped", live: robot.summary }[state] + age(robot.age_s);
    find("#stop").textContent = state === "stopped" ? "STOPPED" : "STOP";
    find("#silent-reason").textContent = robot.reason || "";
  }

  async function poll() {
    try {
      const response = await fetch("/api/v1/robot", { cache: "no-store" });
      if (!response.ok) throw new Error(String(response.status));
      show(await response.json());
      answeredAt = performance.now();
    } catch {
      const age = Math.round((performance.now() - answeredAt) / 1000);
      document.body.dataset.robot = "offline";
      find("#robot").textContent = `no answer for ${age} s`;
      find("#lost-age").textContent = `${age} s`;
    }
    setTimeout(poll, config.refresh_ms);
  }

  // One tap, no question, no live line needed.
  find("#stop").addEventListener("click", async () => {
    const button = find("#stop");
    button.textContent = "STOPPING";
    try {
      show(await post("/api/v1/robot/stop"));
    } catch (error) {
      button.textContent = "STOP";
      toast(`Stop was not confirmed: ${error.message}. Use the switch at the robot.`);
    }
  });

  function ask(question, action) {
    const dialog = find("#ask");
    dialog.querySelector("p").textContent = question;
    dialog.querySelector(".yes").textContent = action;
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) =>
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-post]");
    if (!button) return;
    event.preventDefault();
    if (button.dataset.ask && !(await ask(button.dataset.ask, button.textContent.trim()))) return;
    button.disabled = true;
    try {
      const answer = await post(button.dataset.post);
      if ("reachable" in answer) show(answer);
      if (button.dataset.done) toast(button.dataset.done);
    } catch (error) {
      toast(error.message);
    }
    button.disabled = false;
  });

  // Photographs, enlarged; the arrow keys go on to the next.
  let shots = [];
  let at = 0;
  function enlarge(index) {
    at = (index + shots.length) % shots.length;
    find("#light img").src = shots[at].href;
    find("#light .foot span").textContent = shots[at].title;
  }
  document.addEventListener("click", (event) => {
    const shot = event.target.closest("a.shot");
    if (!shot || event.ctrlKey || event.metaKey || event.button !== 0) return;
    event.preventDefault();
    shots = [...document.querySelectorAll("a.shot")];
    enlarge(shots.indexOf(shot));
    find("#light").showModal();
  });
  find("#light .previous").addEventListener("click", () => enlarge(at - 1));
  find("#light .next").addEventListener("click", () => enlarge(at + 1));
  find("#light .close").addEventListener("click", () => find("#light").close());
  find("#light").addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") enlarge(at + 1);
    if (event.key === "ArrowLeft") enlarge(at - 1);
  });

  poll();
})();
