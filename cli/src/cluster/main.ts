// What runs in containers beside the services. The chart on Kubernetes and the Compose file: `administrator` makes the first
// administrator, `verify` tries the platform's promises through the gateway (`helm test`). The Compose file alone:
// `compose-secrets` makes secrets, `compose-ground` keeps what services stand on, `compose-password` prints the administrator's.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { ConfigError, createLogger, readConfig, systemClock } from "@plinth/kernel";
import { ensureAdministrator } from "../admin/ensure-administrator.ts";
import { exitCodes } from "../exit-codes.ts";
import { verifyPlatform } from "../verify/verify-platform.ts";
import { administratorConfig, verifyConfig } from "./config.ts";

const commands: Record<string, () => Promise<boolean>> = {
  async administrator() {
    const { workloadTokenFile, ...config } = readConfig(administratorConfig, process.env);
    const workloadToken = (await readFile(workloadTokenFile, "utf8")).trim();
    // People change their password; an upgrade of the platform must not take it back.
    const made = await ensureAdministrator({
      ...config,
      workloadToken,
      clock: systemClock,
      ifThere: "keep password",
    });
    logger.info({ userId: made.userId, created: made.created }, "the first administrator is there");
    return true;
  },
  async verify() {
    const { email, password, gatewayUrl } = readConfig(verifyConfig, process.env);
    const print = (line: string): void => void process.stdout.write(`${line}\n`);
    return verifyPlatform({ gatewayUrl, admin: { email, password }, clock: systemClock, print });
  },
  async "compose-secrets"() {
    const { makeSecrets, services, places } = await compose();
    await makeSecrets({ services: await services(), root: places.root });
    return true;
  },
  async "compose-ground"() {
    const { keepGround, services, places } = await compose();
    const { root, readyFile, postgresAddress: postgres } = places;
    const ground = await keepGround({
      services: await services(),
      root,
      readyFile,
      postgres,
      logger,
      clock: systemClock,
    });
    await stopRequested();
    await ground.stop();
    return true;
  },
  async "compose-password"() {
    const { adminPassword, openSecrets, places } = await compose();
    const secrets = await openSecrets(path.join(places.root, places.folders.ground, "secrets.json"));
    process.stdout.write(`${adminPassword(secrets)}\n`);
    return true;
  },
};

/** Loaded when it is used: the chart's Jobs need none of it. */
async function compose() {
  const { makeSecrets, adminPassword } = await import("../compose/make-secrets.ts");
  const { keepGround } = await import("../compose/keep-ground.ts");
  const { openSecrets } = await import("../local/secrets.ts");
  const { servicesIn } = await import("../compose/services-in.ts");
  const places = await import("../compose/places.ts");
  return {
    makeSecrets,
    adminPassword,
    keepGround,
    openSecrets,
    places,
    services: () => servicesIn(places.places.manifests),
  };
}

/** SIGTERM or SIGINT. A listener alone would not keep the process. */
function stopRequested(): Promise<void> {
  const held = setInterval(() => {}, 2 ** 30);
  return new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  }).then(() => clearInterval(held));
}

const logger = createLogger({ service: "plinth-cli", level: "info" });
const command = commands[process.argv[2] ?? ""];
if (!command) {
  process.stderr.write(`give one of: ${Object.keys(commands).join(", ")}\n`);
  process.exitCode = exitCodes.usage;
} else {
  try {
    process.exitCode = (await command()) ? exitCodes.ok : exitCodes.failed;
  } catch (err) {
    if (err instanceof ConfigError) process.stderr.write(`${err.message}\n`);
    else logger.error({ err }, "failed");
    process.exitCode = err instanceof ConfigError ? exitCodes.usage : exitCodes.failed;
  }
}
