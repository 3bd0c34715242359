import path from "node:path";
import { root } from "../../tools/run.ts";
import { run } from "../platform/program.ts";

export const istioNamespace = "istio-system";

const buildTimeoutMs = 55 * 60_000;

/** Istio's control plane, with the sidecar's image on the nodes. */
export async function installIstio(): Promise<void> {
  const options = { timeoutMs: buildTimeoutMs, show: true };
  const folder = (await run(path.join(root, "e2e/mesh/build.sh"), [], options)).trim();
  const archives = ["pilot", "proxyv2"].map((image) => path.join(folder, `${image}.tar`));
  await run(path.join(root, "e2e/cluster/import-images.sh"), archives, options);
  const chart = (name: string, place: string, ...flags: string[]) =>
    run(
      "helm",
      [
        ...["upgrade", "--install", name, path.join(folder, "charts", place)],
        ...["-n", istioNamespace, "--create-namespace", "--wait", "--timeout", "300s", ...flags],
      ],
      { timeoutMs: 360_000 },
    );
  await chart("istio-base", "base");
  await chart("istiod", "istio-control/istio-discovery", "--values", path.join(root, "e2e/mesh/istiod.yaml"));
}

/** Counters of a pod's sidecar, by name. */
export async function sidecarCounters(pod: string, namespace: string, filter: string): Promise<Map<string, number>> {
  const text = await run("kubectl", [
    ...["exec", pod, "-n", namespace, "-c", "istio-proxy", "--"],
    ...["pilot-agent", "request", "GET", `stats?usedonly&filter=${filter}`],
  ]);
  const counters = [...text.matchAll(/^(\S+): (\d+)$/gm)];
  return new Map(counters.map(([, name = "", value]) => [name, Number(value)]));
}
