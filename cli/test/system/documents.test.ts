import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startHookMs, startPlatform } from "./platform.ts";

vi.setConfig({ testTimeout: 900_000 });

const repository = path.resolve(import.meta.dirname, "../../..");
let platform: Awaited<ReturnType<typeof startPlatform>>;
let own: string;

beforeAll(async () => {
  platform = await startPlatform("--log-level", "warn");
  // Below the repository, as the document has it, but never a folder that somebody really works in.
  own = path.relative(repository, await mkdtemp(path.join(repository, "tmp-quickstart-")));
}, startHookMs);

afterAll(async () => {
  await platform.stop();
  await rm(path.join(repository, own), { recursive: true, force: true });
});

/** The shell blocks of a Markdown document. */
const shellBlocks = (markdown: string): string[] =>
  [...markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");

/**
 * curl as somebody types it who asks once more where an answer is still on its way: the gateway has not found a service that has just
 * become ready, another instance answers that goes and does not know the RPC yet, or the audit log has not got the newest event.
 */
const patientCurl = `
curl() {
  local said tries
  for tries in $(seq 200); do
    said=$(command curl "$@") || return
    if ! grep -Eq '"(code|status)":"(unavailable|unimplemented|UNAVAILABLE|UNIMPLEMENTED)"|PATH_UNKNOWN' <<< "$said"; then
      case $* in */plinth.audit.v1.AuditService/ListEntries*) grep -q NoteShared <<< "$said" && break ;; *) break ;; esac
    fi
    sleep 0.3
  done
  printf '%s' "$said"
}
`;

interface Run {
  code: number | null;
  output: string;
}

/** Runs a script in one shell: functions and variables of a block are there for the next ones. */
function shell(script: string): Promise<Run> {
  const env = {
    ...process.env,
    PLINTH_DATA: platform.home,
    PATH: `${path.join(repository, "node_modules/.bin")}:${process.env["PATH"]}`,
  };
  const child = spawn("bash", ["-euo", "pipefail", "-s"], { cwd: repository, env, stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  child.stdin.end(script);
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

/** What each page says when its blocks run one after the other. */
const pages: Record<string, readonly string[]> = {
  "docs/quickstart.md": [
    "platform ready, gateway",
    '"title":"Shopping"',
    '"reason":"TOKEN_MISSING"',
    '"code":"permission_denied"',
    '"status":"PERMISSION_DENIED"',
    "notes.v1.NoteShared",
    "notes.v1.NoteCreated",
    "Hello Ann, you are user:",
  ],
  "docs/how-to/add-an-rpc.md": ['{"count":'],
  "docs/how-to/change-a-schema.md": [
    '"title":"More shopping"',
    'relation "notee" does not exist',
    "refused, as it should be",
  ],
  "docs/how-to/rotate-keys.md": ['"kid":', '"serviceName":"nightly"'],
};

test.each(Object.entries(pages))("%s works as written, block after block", async (page, said) => {
  const blocks = shellBlocks(await readFile(path.join(repository, page), "utf8"));
  const runnable = blocks
    .filter((block) => !/^# (keeps running|needs )/.test(block))
    .map((block) =>
      block.replaceAll(".plinth/", `${platform.home}/`).replaceAll(/\bmy\//g, `${own}/${path.basename(page)}/`),
    );
  expect(runnable.length).toBeGreaterThan(3);
  await mkdir(path.join(repository, own, path.basename(page)));
  const { code, output } = await shell([patientCurl, ...runnable].join("\n"));
  expect({ code, output: code === 0 ? "" : output }).toEqual({ code: 0, output: "" });
  for (const words of said) expect(output).toContain(words);
});
