import { globSync } from "node:fs";
import path from "node:path";
import { run } from "./program.ts";

const module = "sigs.k8s.io/gateway-api@v1.6.3";

/** Installs the Gateway API's CRDs (standard channel) from its Go module. */
export async function installGatewayApi(): Promise<void> {
  const { Dir: folder } = JSON.parse(
    await run("go", ["mod", "download", "-json", module], { env: { GOFLAGS: "-mod=mod" } }),
  ) as { Dir: string };
  const files = globSync("config/crd/standard/gateway.networking.k8s.io_*.yaml", { cwd: folder }).filter(
    (file) => !file.includes("_vap_"),
  );
  await run("kubectl", [
    "apply",
    "--server-side",
    "--force-conflicts",
    ...files.flatMap((file) => ["-f", path.join(folder, file)]),
  ]);
  await run("kubectl", ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]);
}
