// Runs benchmarks: `node bench/src/run.ts [gateway] [rpc] [platform] [tokens] [cache] [events] [audit] [faults] [registries] [reload] [operator] [cluster]
// [--seconds N] [--also name=bundle]`; all but `cluster` by default.
import { parseArgs } from "node:util";
import { benchAudit } from "./audit.bench.ts";
import { benchCache } from "./cache.bench.ts";
import { benchCluster } from "./cluster.bench.ts";
import { benchEvents } from "./events.bench.ts";
import { benchFaults } from "./faults.bench.ts";
import { benchGateway } from "./gateway.bench.ts";
import { machine } from "./machine.ts";
import { benchOperator } from "./operator.bench.ts";
import { benchPlatform } from "./platform.bench.ts";
import { benchRegistries } from "./registries.bench.ts";
import { benchReload } from "./reload.bench.ts";
import { benchRpc } from "./rpc.bench.ts";
import { benchTokens } from "./tokens.bench.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "10" }, also: { type: "string", multiple: true, default: [] } },
});
const seconds = Number(values.seconds);
const benches = {
  gateway: () => benchGateway({ seconds, also: values.also }),
  rpc: () => benchRpc(seconds),
  tokens: () => benchTokens(seconds),
  cache: () => benchCache(seconds),
  platform: () => benchPlatform(seconds),
  events: () => benchEvents(seconds),
  audit: () => benchAudit(seconds),
  faults: () => benchFaults(seconds),
  registries: benchRegistries,
  reload: benchReload,
  operator: benchOperator,
  cluster: benchCluster,
};
const chosen = positionals.length > 0 ? positionals : Object.keys(benches).filter((name) => name !== "cluster");
process.stdout.write(`${await machine()}\n`);
for (const name of chosen) {
  if (!Object.hasOwn(benches, name))
    throw new Error(`there is no benchmark "${name}"; there are ${Object.keys(benches).join(", ")}`);
  await benches[name as keyof typeof benches]();
}
