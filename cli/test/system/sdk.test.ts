import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Platform, startHookMs, startPlatform } from "./platform.ts";
import { bundleForBrowser, visitPage } from "./sdk/browser-bundle.ts";
import { findChromium, visitInChromium } from "./sdk/chromium.ts";
import { startHttp1Proxy } from "./sdk/http1-proxy.ts";
import { type InstalledSdk, installSdk, run } from "./sdk/installed-sdk.ts";

const sdkFolder = (language: string): string => path.resolve(import.meta.dirname, "../../../sdk", language);

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform("--log-level", "warn");
}, startHookMs);
afterAll(() => platform?.stop());

/** A page that signs in and lists users: 45 kB when this was written. */
const gzipBytesMax = 50_000;
/** npm, tsc and other languages' tools, beside other tests. */
const toolBoundMs = 600_000;

describe("@plinth/sdk, packed and installed by npm", async () => {
  let sdk: InstalledSdk;

  beforeAll(async () => {
    sdk = await installSdk();
  }, toolBoundMs);
  afterAll(() => sdk?.remove());

  test("holds what it says and nothing of the servers", () => {
    const odd = sdk.files.filter((file) => !/^(package\.json|README\.md|LICENSE|(dist|src)\/[\w./-]+)$/.test(file));
    expect(odd).toEqual([]);
    const generated = sdk.files.filter((file) => /^src\/gen\/.*_pb\.ts$/.test(file));
    expect(generated.toSorted()).toEqual([
      "src/gen/google/rpc/error_details_pb.ts",
      "src/gen/plinth/audit/v1/audit_pb.ts",
      "src/gen/plinth/audit/v1/log_pb.ts",
      "src/gen/plinth/auth/v1/auth_pb.ts",
      "src/gen/plinth/authz/v1/authz_pb.ts",
      "src/gen/plinth/identity/v1/identity_pb.ts",
    ]);
    // Every source has its JavaScript, its declaration and their maps, and nothing else is built.
    const sources = sdk.files.filter((file) => file.startsWith("src/")).map((file) => file.slice(4, -3));
    const built = sources.flatMap((name) =>
      [".js", ".js.map", ".d.ts", ".d.ts.map"].map((end) => `dist/${name}${end}`),
    );
    expect(sdk.files.filter((file) => file.startsWith("dist/")).toSorted()).toEqual(built.toSorted());
  });

  test(
    "serves a program in plain JavaScript over gRPC, and over HTTP/1.1 where HTTP/2 does not pass",
    async () => {
      const proxy = await startHttp1Proxy(platform.gateway);
      try {
        const env = { ...process.env, ADMIN: JSON.stringify(platform.admin) };
        const options = { cwd: sdk.folder, env, timeout: toolBoundMs };
        const { stdout } = await run(process.execPath, ["node.mjs", platform.gateway, proxy.url], options);
        expect(JSON.parse(stdout)).toEqual({
          anonymous: "unauthenticated",
          wrongPassword: "INVALID_CREDENTIALS",
          current: true,
          device: "SDK test",
          protocol: "grpc",
          items: ["a", "b", "c", "d", "e"],
          pages: [2, 2, 1],
          allowed: [true, false],
          audited: true,
          exported: expect.any(Number),
          unknown: [true, false, "not_found", true],
          invalid: [
            "REQUEST_INVALID",
            [
              ["email", true],
              ["display_name", true],
            ],
          ],
          aborted: "canceled",
          renewedBefore: [["renewed", true]],
          rotated: true,
          renewedAfter: [["renewed", true]],
          createdAfter: true,
          robot: 2,
          robotLater: 2,
          robotRefused: "PERMISSION_DENIED",
          fallback: ["connect", "USER_NOT_FOUND"],
          ended: "REFRESH_TOKEN_INVALID",
          endedChanges: [["ended", false]],
          forgotten: true,
          signedOut: [["signed-out", false]],
          afterSignOut: "unauthenticated",
          away: "unavailable",
        });
        // The attempt with HTTP/2, a look at HTTP/1.1, then calls.
        expect(proxy.passed()).toBeGreaterThan(1);
      } finally {
        await proxy.stop();
      }
    },
    toolBoundMs,
  );

  test.each(["nodenext", "bundler"])(
    "has types that compile with moduleResolution %s, declarations of libraries included",
    async (resolution) => {
      const options = ["--strict", "--noEmit", "--skipLibCheck", "false", "--target", "es2022"];
      const lib = ["--lib", "es2024,esnext.disposable,dom,dom.iterable,dom.asynciterable"];
      const kind = ["--module", resolution === "bundler" ? "esnext" : resolution, "--moduleResolution", resolution];
      const compiled = run("tsc", [...options, ...lib, ...kind, "--types", "node", "types.ts"], { cwd: sdk.folder });
      await expect(
        compiled.then(
          () => "",
          (err) => err.stdout || err,
        ),
      ).resolves.toBe("");
    },
    toolBoundMs,
  );

  const chromium = await findChromium();
  test(`fits into a page: no module of Node, small, and it works in ${chromium ?? "what the web has (no Chromium)"}`, async () => {
    const bundle = await bundleForBrowser(sdk.folder, "browser.mjs");
    process.stdout.write(`SDK in a page: ${bundle.bytes} bytes, ${bundle.gzipBytes} compressed\n`);
    expect(bundle.nodeImports).toEqual([]);
    expect(bundle.text).not.toMatch(/["']node:|\brequire\(/);
    expect(bundle.gzipBytes).toBeLessThan(gzipBytesMax);
    const { gateway: url, admin } = platform;
    const visited = chromium ? visitInChromium(chromium, bundle, { url, admin }) : visitPage(bundle, { url, admin });
    await expect(visited).resolves.toEqual({
      names: ["Web"],
      unknown: "string",
      renewals: ["renewed"],
      signedOut: true,
    });
  });
});

/** What the smoke tests in other languages are told. */
const smokeEnv = () => ({
  ...process.env,
  GATEWAY_URL: platform.gateway,
  ADMIN_EMAIL: platform.admin.email,
  ADMIN_PASSWORD: platform.admin.password,
});

const goMissing = await run("go", ["version"]).then(
  () => false,
  () => true,
);

describe.skipIf(goMissing)("sdk/go (left out without Go: install Go 1.26 or later)", () => {
  test(
    "compiles, and does everything once against a running platform",
    async () => {
      const options = { cwd: sdkFolder("go"), env: smokeEnv(), timeout: toolBoundMs };
      const { stdout } = await run("go", ["test", "-mod=readonly", "-count=1", "-v", "./..."], options);
      expect(stdout).toContain("--- PASS: TestClientOfARunningPlatform");
      expect(stdout).toContain("--- PASS: TestCallsAreMadeAgainWhereTheProtoAllowsIt");
    },
    toolBoundMs,
  );
});

/** The first Python with grpcio and protobuf. Debian's packages are for its own one, whatever comes first on PATH. */
async function findPython(): Promise<string | undefined> {
  for (const program of ["python3", "/usr/bin/python3"]) {
    const found = await run(program, ["-c", "import grpc, google.protobuf"]).then(
      () => program,
      () => undefined,
    );
    if (found) return found;
  }
  return undefined;
}
const python = await findPython();

describe.skipIf(!python)(
  "sdk/python (left out without its libraries: install python3-grpcio and python3-protobuf, or pip install grpcio protobuf)",
  () => {
    test.each([
      ["does everything once against a running platform", "test/smoke.py"],
      ["makes calls again where the proto allows it", "test/retries.py"],
    ])(
      "%s",
      async (_, program) => {
        const cwd = sdkFolder("python");
        const env = { ...smokeEnv(), PYTHONPATH: cwd, PYTHONDONTWRITEBYTECODE: "1" };
        const { stdout } = await run(python as string, [program], { cwd, env, timeout: toolBoundMs });
        expect(stdout.trim()).toBe("ok");
      },
      toolBoundMs,
    );
  },
);
