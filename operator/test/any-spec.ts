import type { PlatformService } from "@plinth/platform";
import fc from "fast-check";

const duration = fc.constantFrom("500ms", "5s", "90s", "10m", "1h", "123456789ms");
const name = fc.stringMatching(/^[a-z][a-z0-9]{0,10}$/);
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

const rule = fc.record(
  {
    path: fc.stringMatching(/^\/[a-z0-9.]{1,12}$/).filter((path) => !/\/\.{1,2}$/.test(path)),
    pathType: fc.constantFrom("Prefix" as const, "Exact" as const),
    authentication: fc.constantFrom("None" as const, "Optional" as const, "Required" as const),
    rateLimit: fc.record({ requests: fc.integer({ min: 1, max: 1000 }), per: duration }),
    timeout: duration,
    idleTimeout: duration,
    maxBodyBytes: fc.integer({ min: 1, max: 1_000_000 }),
  },
  { requiredKeys: ["path"] },
);
const route = fc.record(
  {
    hostnames: fc.uniqueArray(
      name.map((host) => `${host}.example.com`),
      { maxLength: 3 },
    ),
    rules: fc.uniqueArray(rule, {
      minLength: 1,
      maxLength: 40,
      selector: (r) => `${r.path} ${r.pathType ?? "Prefix"}`,
    }),
    cors: fc.record(
      { allowOrigins: fc.constant(["https://a.example.com"]), maxAge: duration },
      { requiredKeys: ["allowOrigins"] },
    ),
  },
  { requiredKeys: ["rules"] },
);
/** Any valid spec, small enough to read when a test fails with it. */
export const anySpec: fc.Arbitrary<PlatformService["spec"]> = fc
  .record({
    image: name.map((image) => `example/${image}:1`),
    scale: fc.oneof(
      fc.record({ replicas: optional(fc.integer({ min: 0, max: 5 })) }),
      fc.record({
        autoscaling: fc.record({ min: fc.integer({ min: 1, max: 3 }), max: fc.integer({ min: 3, max: 9 }) }),
      }),
    ),
    port: fc.integer({ min: 1024, max: 8999 }),
    env: fc.uniqueArray(fc.record({ name: fc.constantFrom("A", "B", "PLINTH_PORT"), value: fc.string() }), {
      selector: (entry) => entry.name,
    }),
    resources: optional(
      fc.constantFrom(
        { requests: { cpu: "0.5", memory: "1024Mi" } },
        { requests: { cpu: 1, memory: "1.5Gi" }, limits: { memory: "2Gi" } },
      ),
    ),
    database: optional(
      fc.record(
        {
          schema: name.map((schema) => `s_${schema}`),
          migrations: fc.oneof(
            fc.record({ path: fc.constant("/app/migrations"), timeout: duration }),
            fc.record({ command: fc.constant(["migrate", "up"]) }),
          ),
          deletionPolicy: fc.constantFrom("Retain" as const, "Delete" as const),
        },
        { requiredKeys: ["schema"] },
      ),
    ),
    events: optional(fc.constant({ publishes: ["notes.note.v1"] })),
    route: optional(route),
    networkPolicy: optional(fc.record({ mode: fc.constantFrom("Open" as const, "Restricted" as const) })),
    disruption: optional(fc.constantFrom({ minAvailable: 1 }, { maxUnavailable: "25%" })),
  })
  .map(({ scale, ...rest }) => JSON.parse(JSON.stringify({ ...rest, ...scale })) as PlatformService["spec"]);
