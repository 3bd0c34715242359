import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import type { Bundle } from "./browser-bundle.ts";
import { startHttp1Proxy } from "./http1-proxy.ts";
import { run } from "./installed-sdk.ts";

const pageBoundMs = 100_000;

/** The first Chromium on PATH; undefined when there is none. */
export async function findChromium(): Promise<string | undefined> {
  for (const program of ["chromium", "chromium-browser", "google-chrome"]) {
    const found = await run(program, ["--version"]).then(
      () => program,
      () => undefined,
    );
    if (found) return found;
  }
  return undefined;
}

/** Runs a bundle in a page of a real Chromium, at the platform's origin. Returns what `page.visit` does. */
export async function visitInChromium(chromium: string, bundle: Bundle, args: { url: string; admin: object }) {
  const profile = await mkdtemp(path.join(tmpdir(), "plinth-chromium-"));
  const said = Promise.withResolvers<string>();
  const proxy = await startHttp1Proxy(args.url, {
    "/page": (_, answer) => answer.writeHead(200, { "content-type": "text/html" }).end(htmlOf(bundle, args.admin)),
    "/said": (request, answer) => {
      answer.end();
      text(request).then(said.resolve, said.reject);
    },
  });
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
  // Nothing leaves the machine: its own services would look for theirs.
  const alone = ["--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"];
  const browser = spawn(chromium, [...flags, ...alone, `--user-data-dir=${profile}`, `${proxy.url}/page`], {
    stdio: "ignore",
    detached: true,
  });
  browser.once("error", said.reject);
  browser.once("exit", (code) =>
    said.reject(new Error(`${chromium} ended with ${code} before the page said anything`)),
  );
  const timer = setTimeout(() => said.reject(new Error("the page said nothing")), pageBoundMs);
  try {
    return JSON.parse(await said.promise);
  } finally {
    clearTimeout(timer);
    await stopGroup(browser);
    await proxy.stop();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The browser and its children, which are a process group of their own. */
async function stopGroup(browser: ChildProcess): Promise<void> {
  if (browser.pid === undefined || browser.exitCode !== null) return;
  const ended = once(browser, "exit");
  process.kill(-browser.pid, "SIGKILL");
  await ended;
}

const htmlOf = (bundle: Bundle, admin: object): string => `<!doctype html>
<meta charset="utf-8">
<script>${bundle.text.replaceAll("</script", "<\\/script")}</script>
<script>
const say = (what) => fetch("/said", { method: "POST", body: JSON.stringify(what) });
page.visit({ url: location.origin, admin: ${JSON.stringify(admin)} }).then(say, (error) => say({ error: String(error) }));
</script>`;
