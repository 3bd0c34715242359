import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort } from "@plinth/local-servers";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { type Contender, startContender } from "./contender.ts";
import { caddyGateway } from "./gateways/caddy.ts";
import { envoyGateway } from "./gateways/envoy.ts";
import type { Gateway, GatewayBench } from "./gateways/gateway.ts";
import { nginxGateway } from "./gateways/nginx.ts";
import { otherBuild, plinthGateway } from "./gateways/plinth.ts";
import { traefikGateway } from "./gateways/traefik.ts";
import { type LoadResult, wrk } from "./load.ts";
import { usageOf } from "./process-meter.ts";
import { printTable } from "./table.ts";

const connections = 64;
/** Until the language has compiled what is hot; all gateways get the same. */
const warmUpSeconds = 5;
/** Every gateway has its turn in every round, so that what else the machine does falls on all alike. */
const rounds = 5;

export interface GatewayBenchOptions {
  /** Of load for each gateway and mode, over all rounds. */
  seconds: number;
  /** Bundles of other builds of ours, "name=path". */
  also: readonly string[];
}

interface Turn {
  gateway: Gateway;
  process: Contender;
  mode: string;
  url: string;
  samples: Sample[];
}

interface Sample extends LoadResult {
  cpuUs: number;
  rssMiB: number;
}

/** Forwarding of 1 KiB answers over HTTP/1.1, plain and with everything on, each gateway on one core, the rest on the other. */
export async function benchGateway({ seconds, also }: GatewayBenchOptions): Promise<void> {
  const { jwks, jwksFile, token } = await signer();
  const upstreamPort = await freePort();
  const upstream = await startContender({
    command: process.execPath,
    args: [path.join(import.meta.dirname, "upstream.ts"), String(upstreamPort), jwksFile],
    port: upstreamPort,
    core: 1,
  });
  const running: Contender[] = [upstream];
  const turns: Turn[] = [];
  const makers = [plinthGateway, ...also.map(otherBuild), envoyGateway, nginxGateway, traefikGateway, caddyGateway];
  try {
    const direct = await wrk({ url: `http://127.0.0.1:${upstreamPort}/x`, headers: {}, connections, seconds, core: 1 });
    for (const make of makers) {
      const bench: GatewayBench = { port: await freePort(), upstreamPort, jwksFile, jwks };
      const gateway = await make(bench);
      if (gateway === undefined) continue;
      const started = await startContender(gateway.start);
      running.push(started);
      for (const [mode, target] of Object.entries(gateway.paths)) {
        const url = `http://127.0.0.1:${bench.port}${target}`;
        turns.push({ gateway, process: started, mode, url, samples: [] });
      }
    }
    for (const turn of turns) await take(turn, token, warmUpSeconds);
    for (let round = 0; round < rounds; round++)
      for (const turn of turns) turn.samples.push(await take(turn, token, Math.max(1, Math.round(seconds / rounds))));
    print(direct, turns);
  } finally {
    for (const one of running.reverse()) await one.stop();
  }
}

async function signer() {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: "bench", alg: "ES256", use: "sig" }] };
  const jwksFile = path.join(await mkdtemp(path.join(tmpdir(), "plinth-bench-")), "jwks.json");
  await writeFile(jwksFile, JSON.stringify(jwks));
  const token = await new SignJWT({ sid: "s" })
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: "bench" })
    .setIssuer("plinth")
    .setAudience("plinth")
    .setSubject("user:01920000-0000-7000-8000-000000000001")
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(privateKey);
  return { jwks, jwksFile, token };
}

async function take({ url, process: { pid } }: Turn, token: string, seconds: number): Promise<Sample> {
  const before = usageOf(pid);
  const result = await wrk({ url, headers: { authorization: `Bearer ${token}` }, connections, seconds, core: 1 });
  const after = usageOf(pid);
  return { ...result, cpuUs: (after.cpuUs - before.cpuUs) / (result.ratePerS * seconds), rssMiB: after.rssMiB };
}

function print(direct: LoadResult, turns: readonly Turn[]): void {
  const rows = turns.map(({ gateway: { name, version }, mode, samples }) => {
    const median = (field: keyof Sample) => {
      const values = samples.map((sample) => sample[field]).sort((a, b) => a - b);
      return values[Math.floor(values.length / 2)] as number;
    };
    return {
      gateway: name,
      version,
      mode,
      "requests/s": median("ratePerS"),
      "CPU us/request": median("cpuUs"),
      "lowest round": Math.min(...samples.map(({ cpuUs }) => cpuUs)),
      "p50 ms": median("p50Ms"),
      "p99 ms": median("p99Ms"),
      "RSS MiB": Math.max(...samples.map(({ rssMiB }) => rssMiB)),
      failed: samples.reduce((sum, { failed }) => sum + failed, 0),
    };
  });
  printTable(
    `Gateway: HTTP/1.1, 1 KiB answers, ${connections} connections, one core, medians of ${rounds} rounds`,
    rows,
  );
  process.stdout.write(
    `\nwithout a gateway: ${Math.round(direct.ratePerS)} requests/s, p50 ${direct.p50Ms} ms, p99 ${direct.p99Ms} ms\n` +
      "full: ES256 token (verified once, then cached), rate limit, metrics, JSON access log to nowhere. Left out: TLS, HTTP/2, large bodies, many routes.\n",
  );
}
