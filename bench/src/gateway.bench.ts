import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { freePort, startContender } from "./contender.ts";
import { caddyGateway, envoyGateway, type Gateway, type GatewayBench, plinthGateway } from "./gateways.ts";
import { wrk } from "./load.ts";
import { usageOf } from "./process-meter.ts";
import { printTable } from "./table.ts";

const connections = 64;
const warmUpSeconds = 6;

/** Forwarding of 1 KiB answers over HTTP/1.1, plain and with everything on, each gateway on one core, the rest on the other. */
export async function benchGateway(seconds: number): Promise<void> {
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
  const upstreamPort = await freePort();
  const upstream = await startContender({
    command: process.execPath,
    args: [path.join(import.meta.dirname, "upstream.ts"), String(upstreamPort), jwksFile],
    port: upstreamPort,
    core: 1,
  });
  const rows = [];
  try {
    rows.push(await direct(upstreamPort, seconds));
    for (const make of [plinthGateway, envoyGateway, caddyGateway]) {
      const bench: GatewayBench = { port: await freePort(), upstreamPort, jwksFile, jwks };
      const gateway = await make(bench);
      if (gateway) rows.push(...(await measure(gateway, bench.port, token, seconds)));
    }
  } finally {
    await upstream.stop();
  }
  printTable(`Gateway: HTTP/1.1, 1 KiB answers, ${connections} connections, ${seconds} s each, one core`, rows);
  process.stdout.write(
    "\nfull: ES256 token (verified once, then cached), rate limit, metrics, JSON access log to nowhere. Left out: TLS, HTTP/2, large bodies, many routes.\n",
  );
}

async function direct(port: number, seconds: number) {
  const load = await wrk({ url: `http://127.0.0.1:${port}/x`, headers: {}, connections, seconds, core: 1 });
  return row("no gateway", "", "", load, Number.NaN, Number.NaN);
}

async function measure(gateway: Gateway, port: number, token: string, seconds: number) {
  const process_ = await startContender(gateway.start);
  const rows = [];
  try {
    for (const [mode, target] of Object.entries(gateway.paths)) {
      const load = {
        url: `http://127.0.0.1:${port}${target}`,
        headers: { authorization: `Bearer ${token}` },
        connections,
        core: 1,
      };
      // Until the language has compiled what is hot; all gateways get the same.
      await wrk({ ...load, seconds: warmUpSeconds });
      const before = usageOf(process_.pid);
      const result = await wrk({ ...load, seconds });
      const after = usageOf(process_.pid);
      const cpuUs = (after.cpuUs - before.cpuUs) / (result.ratePerS * seconds);
      rows.push(row(gateway.name, gateway.version, mode, result, cpuUs, after.rssMiB));
    }
  } finally {
    await process_.stop();
  }
  return rows;
}

function row(
  name: string,
  version: string,
  mode: string,
  load: { ratePerS: number; p50Ms: number; p99Ms: number; failed: number },
  cpuUs: number,
  rssMiB: number,
) {
  return {
    gateway: name,
    version,
    mode,
    "requests/s": load.ratePerS,
    "CPU us/request": cpuUs,
    "p50 ms": load.p50Ms,
    "p99 ms": load.p99Ms,
    "RSS MiB": rssMiB,
    failed: load.failed,
  };
}
