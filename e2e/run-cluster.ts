// `npm run cluster` brings up a real Kubernetes on this machine and installs the platform on it, as it is in this clone.
//   npm run cluster              up, or upgraded when it is there
//   npm run cluster -- down      ends it and removes every trace
//   npm run cluster -- prepare   the cluster, images and the Gateway API, without the platform
import { clusterDown, whyNoHermeticCluster } from "./platform/hermetic-cluster.ts";
import { administrator, gatewayUrl, prepareCluster } from "./platform/platform.ts";
import { helmInstall, release } from "./platform/release.ts";

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const command = process.argv[2] ?? "up";

/** Says what is done and how long it took. */
async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  const result = await work();
  print(`${name}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  return result;
}

async function up(installs: boolean): Promise<void> {
  const target = await step("cluster, images and Gateway API", () => prepareCluster(print));
  if (!installs) return print(`\nexport KUBECONFIG=${target.kubeconfig}`);
  await step("helm upgrade --install --wait", () => helmInstall({ images: target.images }));
  const { email, password } = await administrator();
  const url = await gatewayUrl();
  const login = JSON.stringify({ email, password });
  print(`
Plinth runs on Kubernetes.

  gateway    ${url}
  admin      ${email}  ${password}
  kubectl    export KUBECONFIG=${target.kubeconfig}; kubectl -n ${release.namespace} get psvc
  try        curl -H 'content-type: application/json' -d '${login}' ${url}/plinth.auth.v1.AuthService/Login
  your own   kubectl apply -f examples/notes/platformservice.yaml && kubectl wait psvc/notes --for=condition=Ready
  remove     npm run cluster -- down`);
}

const commands: Record<string, () => Promise<unknown>> = {
  up: () => up(true),
  prepare: () => up(false),
  down: clusterDown,
};
const problem = process.env["KUBECONFIG"] === undefined ? whyNoHermeticCluster() : undefined;
if (!(command in commands)) {
  print(`give one of: ${Object.keys(commands).join(", ")}`);
  process.exitCode = 2;
} else if (problem !== undefined) {
  print(problem);
  process.exitCode = 1;
} else {
  await commands[command]?.();
}
