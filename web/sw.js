// Keeps the page's own files for when there is no connection. An answer of the API is never kept: an old balance must
// not look fresh.

const KEPT = "panel";

self.addEventListener("install", (event) => event.waitUntil(keepAll()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/** The page and the scripts that it names. */
async function keepAll() {
  const kept = await caches.open(KEPT);
  const page = await fetch("../");
  const text = await page.clone().text();
  const scripts = [...text.matchAll(/src="(assets\/[^"]+\.js)"/g)].map((found) => `../${found[1]}`);
  await Promise.all([kept.put(page.url, page), ...scripts.map((script) => kept.add(script))]);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const isOurs = new URL(request.url).origin === location.origin;
  if (request.method === "GET" && isOurs && !new URL(request.url).pathname.includes("/api/")) event.respondWith(answered(request));
});

/** From the network first, so that an update is never met by yesterday's page. */
async function answered(request) {
  const kept = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok) kept.put(request, answer.clone());
    return answer;
  } catch (problem) {
    const before = await kept.match(request);
    if (before) return before;
    throw problem;
  }
}
