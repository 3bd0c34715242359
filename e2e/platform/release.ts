import path from "node:path";
import type { BuiltImage } from "../../tools/images/build-images.ts";
import { root } from "../../tools/run.ts";
import { hermeticPostgres } from "./hermetic-cluster.ts";
import { kubectl } from "./kubectl.ts";
import { attempt, type Ended, run } from "./program.ts";

/** The release and namespace that own the CRDs (ADR 0015). */
export const release = { name: "plinth", namespace: "plinth" };

export const chartFolder = path.join(root, "charts/plinth");

/** The first start pulls nothing, but makes databases and migrates five schemas. */
const installTimeoutSeconds = 600;

export interface InstallOptions {
  images: readonly BuiltImage[];
  /** Further `--set`s. */
  set?: Record<string, string>;
  chart?: string;
}

/** As JSON, which is YAML. */
export function valuesFor({ images, set = {} }: Pick<InstallOptions, "images" | "set">): string[] {
  const overrides = images.filter(({ program }) => program !== "notes");
  const values: Record<string, string> = {
    "postgres.bundled.enabled": "true",
    "postgres.bundled.image": hermeticPostgres.image,
    "postgres.bundled.runAsUser": String(hermeticPostgres.runAsUser),
    // The hermetic cluster provisions no volumes.
    // Nor has it load balancers; its Services are reached from here as they are.
    "gateway.serviceType": "ClusterIP",
    "postgres.bundled.storage.persistent": "false",
    ...Object.fromEntries(overrides.map(({ program, image }) => [`images.overrides.${program}`, image])),
    ...set,
  };
  return Object.entries(values).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
}

/** `helm install --wait`, or upgrade where it is installed. Returns what Helm printed. */
export function helmInstall(options: InstallOptions): Promise<string> {
  const { name, namespace } = release;
  const flags = [
    "-n",
    namespace,
    "--create-namespace",
    "--wait",
    "--wait-for-jobs",
    "--timeout",
    `${installTimeoutSeconds}s`,
  ];
  return run("helm", ["upgrade", "--install", name, options.chart ?? chartFolder, ...flags, ...valuesFor(options)], {
    timeoutMs: (installTimeoutSeconds + 60) * 1000,
  });
}

export const helm = (...args: string[]): Promise<Ended> => attempt("helm", args, { timeoutMs: 400_000 });

export const isInstalled = async (): Promise<boolean> =>
  (await helm("status", release.name, "-n", release.namespace)).code === 0;

/** Uninstalls the release and removes all that it keeps: for a start from nothing. */
export async function removeEverything(): Promise<void> {
  if (await isInstalled()) {
    await run("helm", ["uninstall", release.name, "-n", release.namespace, "--wait", "--timeout", "300s"], {
      timeoutMs: 400_000,
    });
  }
  await kubectl("delete", "namespace", release.namespace, "--ignore-not-found", "--timeout=240s");
  for (const crd of ["platformservices.plinth.dev", "routepolicies.plinth.dev"]) {
    await kubectl("delete", "crd", crd, "--ignore-not-found", "--timeout=240s");
  }
}
