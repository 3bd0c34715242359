import { eventually } from "@plinth/testing";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { signIn } from "../platform/calls.ts";
import { ensurePlatform } from "../platform/ensure-platform.ts";
import { get, list } from "../platform/kubectl.ts";
import { administrator, gatewayUrl } from "../platform/platform.ts";
import { helm, helmInstall, release } from "../platform/release.ts";

const target = inject("target");
const { name, namespace } = release;

beforeAll(() => ensurePlatform(target));

describe("helm uninstall", () => {
  test("takes everything away but definitions and what was made once", async () => {
    const { code, stderr } = await helm("uninstall", name, "-n", namespace, "--wait", "--timeout", "300s");
    expect(code, stderr).toBe(0);
    expect(await list("psvc", namespace)).toEqual([]);
    // The garbage collector takes what the PlatformServices owned.
    await eventually(async () => {
      const left = await list("deployments", namespace);
      expect(left.map(({ metadata }) => metadata.name)).toEqual([]);
    }, 240_000);
    expect(await get("crd", "platformservices.plinth.dev", namespace)).toBeDefined();
    const kept = await list("secrets", namespace, "app.kubernetes.io/instance=plinth");
    expect(kept.map(({ metadata }) => metadata.name)).toEqual([
      "plinth-administrator",
      "plinth-audit",
      "plinth-auth",
      "plinth-postgres",
    ]);
  });

  test("and an installation afterwards takes them over", async () => {
    const before = await administrator();
    await helmInstall({ images: target.images });
    expect(await administrator()).toEqual(before);
    const url = await gatewayUrl();
    // All is ready: the gateway finds that out by itself as well.
    expect(await eventually(() => signIn(url, before), 120_000)).toMatch(/^ey/);
  });
});
