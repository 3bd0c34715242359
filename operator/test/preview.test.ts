import { applyDefaults, type PlatformService } from "@plinth/platform";
import { expect, test } from "vitest";
import { previewChildren } from "../src/platform-service/preview.ts";
import type { ServiceObject } from "../src/platform-service/resources.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

function serviceOf(spec: Partial<PlatformService["spec"]> = {}): ServiceObject {
  const manifest = applyDefaults({
    apiVersion: "plinth.dev/v1alpha1",
    kind: "PlatformService",
    metadata: { name: "notes" },
    spec: {
      image: "example/notes:1",
      replicas: 2,
      database: { schema: "notes", migrations: { path: "/app/migrations" } },
      events: { publishes: ["notes.note.v1"] },
      route: { rules: [{ path: "/notes.v1.NotesService/", authentication: "Required" }] },
      ...spec,
    },
  });
  return {
    ...manifest,
    metadata: { name: "notes", namespace: "default", uid: "uid-notes", generation: 1 },
  } as ServiceObject;
}

const names = (service: ServiceObject): string[] =>
  previewChildren(service).map(({ kind, metadata }) => `${kind}/${metadata.name}`);

test("is everything that reconciling to the end makes, and nothing else", () => {
  const cluster = new SimulatedCluster(serviceOf());
  cluster.settle();
  const made = new Set(cluster.writes.map((write) => write.replace(/(Job\/notes-migrate)-.*/, "$1-HASH")));
  expect(new Set(names(serviceOf()))).toEqual(made);
});

test("a paused service is shown as it will be", () => {
  expect(names(serviceOf({ paused: true }))).toEqual(names(serviceOf()));
});

test("what the spec does not ask for is not made", () => {
  const service = serviceOf();
  const { database: _, events: __, route: ___, ...spec } = service.spec;
  expect(names({ ...service, spec })).not.toContain("HTTPRoute/notes");
  expect(names({ ...service, spec }).filter((name) => /Job|Secret/.test(name))).toEqual([]);
});

test("holds no secret and nothing that differs from one cluster to the next", () => {
  const text = JSON.stringify(previewChildren(serviceOf()));
  expect(text).toContain("example/notes:1");
  expect(text).not.toMatch(/plinth\.dev\/(applied|prepared|pod-template|credentials)|uid-notes|postgres:\/\//);
  expect(previewChildren(serviceOf())).toEqual(previewChildren(serviceOf()));
});

test("a change of the spec shows in the children that it reaches, and in no other", () => {
  const [before, after] = [previewChildren(serviceOf()), previewChildren(serviceOf({ replicas: 3 }))];
  const changed = after.filter((child, index) => JSON.stringify(child) !== JSON.stringify(before[index]));
  expect(changed.map(({ kind }) => kind)).toEqual(["Deployment"]);
});
