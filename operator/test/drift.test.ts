import { describe, expect, test } from "vitest";
import { covers } from "../src/platform-service/drift.ts";

const container = { name: "service", image: "a", env: [{ name: "A", value: "1" }] };

describe("an object covers a draft", () => {
  test.each<[string, unknown, unknown, string]>([
    ["with defaults that the server added", { spec: { a: 1, b: 2 } }, { spec: { a: 1 } }, "Service"],
    [
      "with quantities written another way",
      { cpu: "500m", memory: "1Gi" },
      { cpu: "0.5", memory: "1024Mi" },
      "Deployment",
    ],
    ["with an empty object left out", {}, { annotations: {} }, "Secret"],
    [
      "with a container that others added",
      { containers: [{ name: "mesh" }, container] },
      { containers: [container] },
      "Deployment",
    ],
    [
      "with another owner besides",
      { ownerReferences: [{ uid: "x" }, { uid: "y" }] },
      { ownerReferences: [{ uid: "y" }] },
      "Secret",
    ],
  ])("%s", (_, live, draft, kind) => expect(covers(live, draft, kind)).toBe(true));
});

describe("an object does not cover a draft", () => {
  test.each<[string, unknown, unknown, string]>([
    ["when a value differs", { spec: { a: 2 } }, { spec: { a: 1 } }, "Service"],
    ["when a field is gone", { spec: {} }, { spec: { a: false } }, "Service"],
    ["when a quantity differs", { memory: "1Gi" }, { memory: "1G" }, "Deployment"],
    ["when a text only looks like a quantity", { name: "1024Mi" }, { name: "1Gi" }, "Deployment"],
    [
      "when a variable of a container differs",
      { containers: [{ ...container, env: [] }] },
      { containers: [container] },
      "Deployment",
    ],
    ["when a list that is one value has more entries", { ingress: [1, 2] }, { ingress: [1] }, "NetworkPolicy"],
    ["when an object stands where a list should", { ports: {} }, { ports: [{ port: 1 }] }, "Service"],
  ])("%s", (_, live, draft, kind) => expect(covers(live, draft, kind)).toBe(false));
});
