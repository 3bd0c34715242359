import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Clock, Component, Logger } from "@plinth/kernel";
import { importJWK, type JWK, SignJWT } from "jose";
import { privateFolder, replaceFile } from "./replace-file.ts";

export const workloadIssuer = "plinth-local";
export const workloadAudience = "plinth";

const lifetimeSeconds = 3600;
const rewriteMs = 20 * 60_000;

/**
 * Gives every service a token that proves its name, as Kubernetes does with projected ServiceAccount tokens: a file
 * per service, replaced long before it expires, and one file with the public key.
 */
export interface WorkloadTokens extends Component {
  /** Path of the service's token file; the file exists when the promise resolves and is kept fresh until stop. */
  fileFor(service: string): Promise<string>;
  /** A token for a caller that is no process of the platform, for example the CLI. */
  mint(service: string): Promise<string>;
}

export interface WorkloadTokensOptions {
  privateKey: JWK;
  /** Where the token files go, one folder per service. */
  directory: string;
  jwksFile: string;
  clock: Clock;
  logger: Logger;
}

export function createWorkloadTokens(options: WorkloadTokensOptions): WorkloadTokens {
  const { privateKey, directory, clock } = options;
  const services = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  const fileOf = (service: string) => path.join(directory, service, "workload-token");

  async function mint(service: string): Promise<string> {
    const issuedAt = Math.floor(clock.now() / 1000);
    return new SignJWT()
      .setProtectedHeader({ alg: "EdDSA", typ: "JWT", ...(privateKey.kid ? { kid: privateKey.kid } : {}) })
      .setIssuer(workloadIssuer)
      .setAudience(workloadAudience)
      .setSubject(`service:${service}`)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetimeSeconds)
      .sign(await importJWK(privateKey, "EdDSA"));
  }

  async function write(service: string): Promise<void> {
    await privateFolder(path.dirname(fileOf(service)));
    await replaceFile(fileOf(service), await mint(service));
  }

  async function rewriteAll(): Promise<void> {
    for (const service of services) {
      try {
        await write(service);
      } catch (err) {
        options.logger.error({ err, service }, "workload token was not renewed");
      }
    }
  }

  return {
    name: "workload tokens",
    mint,
    async start() {
      const { d: _, ...publicKey } = privateKey;
      await mkdir(path.dirname(options.jwksFile), { recursive: true });
      await replaceFile(options.jwksFile, JSON.stringify({ keys: [{ ...publicKey, use: "sig" }] }), 0o644);
      timer = setInterval(() => void rewriteAll(), rewriteMs);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
    },
    async fileFor(service) {
      await write(service);
      services.add(service);
      return fileOf(service);
    },
  };
}
