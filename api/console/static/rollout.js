"use strict";

const ROLLOUT_AGAIN_MS = 2000;
const ROLLOUT_AWAY_MS_MAX = 30000;  // between two tries to reach a server that is away

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let aheadMs = 0;  // of this machine's clock before the server's

function elapsedText(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 100) return s + " s";
  return s < 6000 ? Math.floor(s / 60) + " min" : Math.floor(s / 3600) + " h";
}

/** How long ago each instant is; once a second, so that nothing else need be renewed for it. */
function tellElapsed() {
  for (const time of document.querySelectorAll("time[data-since]")) {
    const ms = Date.now() - aheadMs - Date.parse(time.getAttribute("datetime"));
    time.dataset.ago = elapsedText(ms);
  }
}

function visible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}

/** Put in place what is other than before, and nothing else: what is open stays open, what moves goes on. */
function renew(shown, before, after) {
  shown.className = after.className;
  const [now, old, next] = [shown, before, after].map((section) => Array.from(section.children));
  if (next.length !== old.length || next.some((part, i) => part.tagName !== old[i].tagName)) {
    shown.replaceChildren(...next.map((part) => part.cloneNode(true)));
    return;
  }
  next.forEach((part, i) => {
    if (part.outerHTML === old[i].outerHTML) return;
    const fresh = part.cloneNode(true);
    if (now[i].open !== old[i].open && part.dataset.wave === old[i].dataset.wave) fresh.open = now[i].open;
    if (now[i].contains(document.activeElement)) setTimeout(() => fresh.querySelector("summary")?.focus());
    now[i].replaceWith(fresh);
  });
}

async function fragment(query) {
  const answer = await fetch("/console/rollout" + query, { cache: "no-store" });
  if (!answer.ok) throw new Error("status " + answer.status);
  const told = Date.parse(answer.headers.get("date"));
  if (!Number.isNaN(told) && Math.abs(Date.now() - told - aheadMs) > 1500) aheadMs = Date.now() - told;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.getElementById("rollout");
}

/** Ask while waves are under way; where another plan has become active, the page shows that. */
async function followRollout() {
  const following = document.body.dataset.rollout;
  if (following === undefined) return;
  const fleet = new URLSearchParams(window.location.search).get("fleet");
  const query = fleet ? "?fleet=" + encodeURIComponent(fleet) : "";
  const shown = document.getElementById("rollout");
  let before = shown?.cloneNode(true), waitMs = ROLLOUT_AGAIN_MS;
  setInterval(tellElapsed, 1000);
  tellElapsed();
  for (;;) {
    await pause(waitMs);
    await visible();
    let found;
    try {
      found = await fragment(query);
    } catch {
      waitMs = Math.min(2 * waitMs, ROLLOUT_AWAY_MS_MAX);
      continue;
    }
    waitMs = ROLLOUT_AGAIN_MS;
    if (!found || found.dataset.activation !== following) { window.location.reload(); return; }
    if (shown) renew(shown, before, found);
    before = found;
    for (const place of document.querySelectorAll("[data-rollout-brief]"))
      if (place.textContent !== found.dataset.brief) place.textContent = found.dataset.brief;
    tellElapsed();
    if (!("underWay" in found.dataset)) return;
  }
}

followRollout();
