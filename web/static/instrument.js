// What must work even when the page's own live line does not: stop, the robot's state, ages, enlarging a photograph.
"use strict";
(() => {
  const find = (selector) => document.querySelector(selector);
  const config = JSON.parse(find("#bar").dataset.config);
  document.body.dataset.may = config.may.join(" ");
  let answeredAt = performance.now();
  let toastTimer;

  function toast(text) {
    find("#toast").textContent = text;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => (find("#toast").textContent = ""), 8000);
  }

  // What the devices said some time ago carries its age.
  const age = (seconds) => (seconds > 3 ? `, seen ${Math.round(seconds)} s ago` : "");

  async function post(url, patience_ms = 15000, method = "POST", content = undefined) {
    const body = content && { body: JSON.stringify(content), headers: { "content-type": "application/json" } };
    const response = await fetch(url, { method, priority: "high", signal: AbortSignal.timeout(patience_ms), ...body });
    if (response.status === 401) throw new Error("you are no longer signed in; load the page again");
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.error || `the server answered ${response.status}`);
    return answer;
  }

  // A line that stays open: it does not wait behind photographs, of which a browser fetches six at a time.
  const waiting = new Map();
  let line = null;
  let asked = 0;
  function openLine() {
    line = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/robot/line`);
    line.addEventListener("message", (event) => {
      const answer = JSON.parse(event.data);
      waiting.get(answer.n)?.(answer);
      waiting.delete(answer.n);
    });
    line.addEventListener("close", () => {
      for (const end of waiting.values()) end({ lost: true });
      waiting.clear();
      setTimeout(openLine, 1000);
    });
  }
  // What the line answers, or null when it is down or silent: then the same is asked by an ordinary request.
  function overLine(word, patience_ms, more = {}) {
    if (line?.readyState !== WebSocket.OPEN) return Promise.resolve(null);
    const n = ++asked;
    return new Promise((resolve) => {
      waiting.set(n, (answer) => resolve(answer.lost ? null : answer));
      setTimeout(() => waiting.delete(n) && resolve(null), patience_ms);
      line.send(JSON.stringify({ do: word, n, ...more }));
    });
  }
  // For the scripts of single pages.
  window.trellis = { post, toast, overLine };

  function show(robot) {
    const state = !robot.reachable ? "silent" : robot.stopped ? "stopped" : "live";
    document.body.dataset.robot = state;
    find("#robot").textContent = { silent: "daemon silent", stopped: "robot stopped", live: robot.summary }[state] + age(robot.age_s);
    for (const button of buttons()) button.textContent = state === "stopped" ? "STOPPED" : "STOP";
    find("#silent-reason").textContent = robot.reason || "";
  }

  async function state() {
    const answer = await overLine("state", 6000);
    if (answer?.robot) return answer.robot;
    const response = await fetch("/api/v1/robot", { cache: "no-store", signal: AbortSignal.timeout(6000) });
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  }

  async function poll() {
    try {
      show(await state());
      answeredAt = performance.now();
    } catch {
      document.body.dataset.robot = "offline";
    }
    setTimeout(poll, config.refresh_ms);
  }

  // Ages count on by themselves, also while an answer is waited for.
  const patience_ms = Math.max(6000, 4 * config.refresh_ms);
  let readings = "";
  let readAt = performance.now();
  setInterval(() => {
    const silent_ms = performance.now() - answeredAt;
    if (silent_ms > patience_ms) document.body.dataset.robot = "offline";
    if (document.body.dataset.robot === "offline") {
      find("#robot").textContent = `no answer for ${Math.round(silent_ms / 1000)} s`;
      find("#lost-age").textContent = `${Math.round(silent_ms / 1000)} s`;
    }
    const marks = [...document.querySelectorAll("[data-reading]")].map((mark) => mark.dataset.reading).join();
    if (marks !== readings || !marks) readAt = performance.now();
    readings = marks;
    const old_ms = performance.now() - readAt;
    document.body.toggleAttribute("data-old", old_ms > patience_ms);
    find("#old-age").textContent = `${Math.round(old_ms / 1000)} s`;
  }, 500);

  // One tap or a key, no question; neither the page library's line nor a free connection is needed.
  const buttons = () => document.querySelectorAll("#stop, button.stop");
  async function stop() {
    for (const button of buttons()) button.textContent = "STOPPING";
    try {
      const answer = await overLine("stop", 1000);
      if (answer?.error) throw new Error(answer.error);
      show(answer?.robot ?? (await post("/api/v1/robot/stop", 8000)));
    } catch (error) {
      for (const button of buttons()) button.textContent = "STOP";
      toast(`Stop was not confirmed: ${error.message}. Use the switch at the robot.`);
    }
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#stop, button.stop")) stop();
  });
  // S anywhere but where one types, Pause even there; a dialog that is open is in the way of neither.
  window.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    const letter = event.key.toLowerCase() === "s" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
    if ((letter || event.key === "Pause") && !event.repeat) {
      event.preventDefault();
      stop();
    }
  }, true);

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
      const answer = await post(button.dataset.post, 15000, button.dataset.method || "POST");
      if (button.dataset.reload) location.reload();
      if ("reachable" in answer) show(answer);
      if (button.dataset.done) toast(button.dataset.done);
    } catch (error) {
      toast(error.message);
    }
    button.disabled = false;
  });

  // Forms send JSON; a mass goes as kilograms. What was made and is told only once stays on the page.
  const kinds = {
    grams: (input) => (input.value === "" ? null : Number((Number(input.value) / 1000).toPrecision(9))),
    flag: (input) => input.checked,
  };
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-send]");
    if (!form) return;
    event.preventDefault();
    const content = {};
    for (const input of form.querySelectorAll("[data-kind]")) {
      if (input.dataset.kind === "list") {
        content[input.name] ??= [];
        if (input.checked) content[input.name].push(input.value);
      } else content[input.name] = (kinds[input.dataset.kind] || (() => input.value))(input);
    }
    const output = form.querySelector("output");
    try {
      const answer = await post(form.dataset.send, 15000, form.dataset.method, content);
      if (answer.secret) output.textContent = `Its secret, told this once: ${answer.secret}`;
      else if (answer.path) output.textContent = `Good for an hour, once: ${location.origin}${answer.path}`;
      else location.reload();
    } catch (error) {
      output.textContent = error.message;
    }
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

  openLine();
  poll();
})();
