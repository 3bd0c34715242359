import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { KubeObject } from "@plinth/kube";
import { applyDefaults, type PlatformService } from "@plinth/platform";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import type { Observed } from "../src/platform-service/observed.ts";
import { plan } from "../src/platform-service/plan.ts";
import type { ServiceObject } from "../src/platform-service/resources.ts";
import { testObserved, testSettings } from "./test-observed.ts";

/** What an input file says: the service, and what differs from a cluster with everything but this service. */
interface Input {
  about: string;
  now: string;
  service: PlatformService & { metadata: Partial<KubeObject["metadata"]> };
  observed?: Partial<Observed>;
}

const folder = path.join(import.meta.dirname, "testdata");

test.each(globSync("*.in.yaml", { cwd: folder }).toSorted())("%s", (file) => {
  const input = parse(readFileSync(path.join(folder, file), "utf8")) as Input;
  const metadata = { namespace: "default", uid: "uid-notes", generation: 1, ...input.service.metadata };
  const service = { ...applyDefaults(input.service), metadata } as ServiceObject;
  const result = plan(service, testSettings, { ...testObserved, ...input.observed }, Date.parse(input.now));
  const out = stringify(
    {
      apply: result.apply.map(({ object, resource, how }) => ({
        how,
        apiVersion: resource.apiVersion,
        kind: resource.kind,
        ...object,
      })),
      prune: result.prune.map(({ resource, ref, uid, resourceVersion }) => ({
        kind: resource.kind,
        name: ref.name,
        uid,
        resourceVersion,
      })),
      status: result.status,
      againAfterMs: result.againAfterMs,
    },
    { lineWidth: 140, aliasDuplicateObjects: false },
  );
  const goldenFile = path.join(folder, file.replace(".in.yaml", ".out.yaml"));
  if (process.env["UPDATE_GOLDEN"] || !existsSync(goldenFile)) writeFileSync(goldenFile, out);
  expect(out).toBe(readFileSync(goldenFile, "utf8"));
});
