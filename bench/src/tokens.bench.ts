import { systemClock } from "@plinth/kernel";
import { createAccessTokenVerifier, createKeySet } from "@plinth/rpc";
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from "jose";
import { printTable } from "./table.ts";

/** Verification of access tokens in one process: seen before, never seen before, and jose alone as the peer. */
export async function benchTokens(seconds: number): Promise<void> {
  const rows = [];
  for (const alg of ["EdDSA", "ES256"]) {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: "k", alg, use: "sig" }] };
    const sign = (n: number) =>
      new SignJWT({ sid: "s", jti: String(n) })
        .setProtectedHeader({ alg, typ: "at+jwt", kid: "k" })
        .setIssuer("plinth")
        .setAudience("plinth")
        .setSubject("user:1")
        .setIssuedAt()
        .setExpirationTime("1h")
        .sign(privateKey);
    const tokens = await Promise.all(Array.from({ length: 12_000 }, (_, n) => sign(n)));
    const verifier = createAccessTokenVerifier({
      keys: createKeySet({ fetch: async () => JSON.stringify(jwks), clock: systemClock }),
      issuer: "plinth",
      audience: "plinth",
      clock: systemClock,
    });
    const local = createLocalJWKSet(jwks);
    const known = tokens[0] as string;
    let next = 0;
    // More tokens than the cache holds, in a circle: each is new when it comes round.
    const fresh = () => tokens[next++ % tokens.length] as string;
    rows.push(await measure(`${alg} seen before`, seconds, () => verifier.verify(known)));
    rows.push(await measure(`${alg} new`, seconds, () => verifier.verify(fresh())));
    rows.push(
      await measure(`${alg} jose alone`, seconds, () =>
        jwtVerify(fresh(), local, { algorithms: [alg], typ: "at+jwt", issuer: "plinth", audience: "plinth" }),
      ),
    );
  }
  printTable(`Access tokens: one caller in one process, ${seconds / 4} s each`, rows);
}

async function measure(name: string, seconds: number, verify: () => Promise<unknown>) {
  const latenciesUs: number[] = [];
  const cpu = process.cpuUsage();
  const end = performance.now() + (seconds * 1000) / 4;
  while (performance.now() < end) {
    const start = performance.now();
    await verify();
    latenciesUs.push((performance.now() - start) * 1000);
  }
  const used = process.cpuUsage(cpu);
  latenciesUs.sort((a, b) => a - b);
  const at = (share: number) => latenciesUs[Math.floor(latenciesUs.length * share)] ?? Number.NaN;
  const perSecond = latenciesUs.length / (seconds / 4);
  return {
    verification: name,
    "per second": perSecond,
    "CPU us": (used.user + used.system) / latenciesUs.length,
    "p50 us": at(0.5),
    "p99 us": at(0.99),
  };
}
