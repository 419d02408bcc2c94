// The panel: which screen is shown, the keys, and what stands around it.

import { html } from "./html.js";
import { enter, keepUp } from "./live.js";
import { askToKill, start, stop } from "./parts/act.js";
import { Help, Licences, Question } from "./parts/dialog.js";
import { Banner, Footer, Header, SCREENS, title, Toasts } from "./parts/frame.js";
import { Backtest } from "./screens/backtest.js";
import { Health } from "./screens/health.js";
import { Opportunities } from "./screens/opportunities.js";
import { Overview } from "./screens/overview.js";
import { Settings } from "./screens/settings.js";
import { SignIn } from "./screens/sign_in.js";
import { Trades } from "./screens/trades.js";
import { isAdmin, link, preferences, question, route, session, status } from "./state.js";
import { useEffect, useState } from "./vendor/preact-hooks.js";
import { render } from "./vendor/preact.js";
import { effect } from "./vendor/signals.js";

const SHOWN = { overview: Overview, opportunities: Opportunities, trades: Trades, backtest: Backtest, settings: Settings, health: Health };

function Panel() {
  const [shown, setShown] = useState("");
  const { screen } = route.value;
  const close = () => setShown("");
  useEffect(() => {
    const press = (event) => pressed(event, () => setShown("help"));
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  const isStranger = session.value?.role === "";
  return html`
    <a class="skip" href="#main" onClick=${toMain}>To the content</a>
    <${Header} />
    <main id="main" tabindex="-1" class=${link.value.kind === "offline" ? "dimmed" : ""}>
      ${isStranger ? html`<${SignIn} />` : html`<${Banner} />${session.value ? html`<${SHOWN[screen]} />` : html`<p class="empty">Asking who you are…</p>`}`}
    </main>
    <${Footer} onHelp=${() => setShown("help")} onLicences=${() => setShown("licences")} />
    <${Toasts} />
    <${Question} />
    ${shown === "help" ? html`<${Help} onClose=${close} />` : null}
    ${shown === "licences" ? html`<${Licences} onClose=${close} />` : null}`;
}

function toMain(event) {
  event.preventDefault();
  document.getElementById("main").focus({ preventScroll: true });
}

function pressed(event, help) {
  const isTyping = event.target.closest("input, select, textarea, dialog");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !session.value?.role) return;
  const place = Number(event.key) - 1;
  if (SCREENS[place]) location.hash = `#/${SCREENS[place]}`;
  else if (event.key === "?") help();
  else if (event.key === "K" && isAdmin.value && !status.value?.killed) askToKill();
  else if (event.key === "p" && isAdmin.value && status.value && !question.value) (status.value.is_active ? stop : start)();
}

function follow() {
  const [screen, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  route.value = { screen: SHOWN[screen] ? screen : "overview", rest: decodeURIComponent(rest.join("/")) };
}

/** Whose money it is shows in the tab too. */
effect(() => {
  const known = status.value;
  document.title = known ? `${known.mode === "live" ? "LIVE" : "PAPER"} · ${known.state} · Heisenbug` : `${title(route.value.screen)} · Heisenbug`;
  document.documentElement.classList.toggle("live", known?.mode === "live");
});

effect(() => (document.documentElement.dataset.theme = preferences.value.theme));

/** The worker keeps the page's own files for when there is no connection; it never keeps an answer of the API. */
function keepPage() {
  if (!navigator.serviceWorker || !globalThis.trustedTypes) return;
  const worker = trustedTypes.createPolicy("worker", { createScriptURL: (address) => address });
  navigator.serviceWorker.register(worker.createScriptURL("assets/sw.js"), { scope: "./" }).catch(() => {});
}

addEventListener("hashchange", () => {
  if (location.hash.startsWith("#token=")) enter();
  follow();
});
follow();
render(html`<${Panel} />`, document.getElementById("panel"));
keepUp();
enter();
addEventListener("load", keepPage);
