import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger, systemClock } from "@plinth/kernel";
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { expect, onTestFinished, test } from "vitest";
import { openSecrets } from "../src/local/secrets.ts";
import { createWorkloadTokens } from "../src/local/workload-tokens.ts";

test("a service's token file proves its name to whoever has the public key, which is all the key file tells", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-tokens-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const secrets = await openSecrets(path.join(folder, "secrets.json"));
  const jwksFile = path.join(folder, "run", "jwks.json");
  const tokens = createWorkloadTokens({
    privateKey: secrets.workloadKey,
    directory: path.join(folder, "run"),
    jwksFile,
    clock: systemClock,
    logger: silentLogger,
  });
  await tokens.start?.();
  const file = await tokens.fileFor("identity");
  await tokens.stop?.(AbortSignal.timeout(1000));

  const jwks = JSON.parse(await readFile(jwksFile, "utf8")) as JSONWebKeySet;
  expect(jwks.keys).toHaveLength(1);
  expect(jwks.keys[0]).not.toHaveProperty("d");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const token = await readFile(file, "utf8");
  const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), {
    issuer: "plinth-local",
    audience: "plinth",
    algorithms: ["EdDSA"],
  });
  expect(payload.sub).toBe("service:identity");
  expect(Number(payload.exp) - Number(payload.iat)).toBe(3600);
  expect(decodeProtectedHeader(token).kid).toBe(jwks.keys[0]?.kid);
});
