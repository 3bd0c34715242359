// What the dependency rules let pass, each with the reason. Lists here shrink; a new entry needs a reason of its own.

/** A part imports only from layers before its own. */
export const importLayers: readonly (readonly string[])[] = [
  ["proto"],
  ["packages/kernel"],
  [
    "packages/rpc",
    "packages/postgres",
    "packages/balancer",
    "packages/cache",
    "packages/kube",
    "packages/platform",
    "packages/local-servers",
    "packages/transparency-log",
  ],
  ["packages/bus", "packages/discovery"], // their PostgreSQL drivers use packages/postgres
  ["packages/clients"],
  ["packages/service"],
  ["packages/testing"], // starts whole services, for tests
  ["operator"], // see readBy
  ["services/*", "cli", "examples/*"],
  ["sdk/typescript"], // stands alone: it is installed where nothing else of ours is
  ["bench"], // starts the platform as the CLI does
];

/** Parts that only the named ones may import, although they stand below others as well. */
export const readBy: Readonly<Record<string, readonly string[]>> = {
  operator: ["cli"], // shows what the operator would do, by the operator's own plan
};

/** Run by developers only, and may use what is made for tests. */
export const neverDeployed: readonly string[] = ["bench", "e2e"];

/** Installed by others, who choose versions: they declare ranges, so that a program has one copy of each library. */
export const published: readonly string[] = ["sdk/typescript"];

/** Declared at the root for all tests, so that one version runs everything. */
export const sharedTestTools: readonly string[] = ["vitest"];

/** Dependencies that no import shows. */
export const surplusExceptions: readonly { folder: string; dependency: string; reason: string }[] = [];

/** Libraries that domain code may use although they are not ours. */
export const domainExceptions: readonly { path: string; dependency: string; reason: string }[] = [
  {
    path: "services/authz/src/domain/model/parse-dsl.ts",
    dependency: "@openfga/syntax-transformer",
    reason: "the reference parser of the modelling language: pure, text in, model out",
  },
  {
    path: "services/authz/src/domain/condition/",
    dependency: "@bufbuild/cel",
    reason: "evaluates conditions, which are defined as CEL: pure",
  },
  {
    path: "services/authz/src/domain/condition/",
    dependency: "@bufbuild/protobuf",
    reason: "CEL's timestamps and durations are protobuf's well-known types",
  },
];
