// What the chart runs on Kubernetes beside the services: `administrator` makes the first administrator, `verify` tries the
// platform's promises through the gateway (`helm test`).
import { readFile } from "node:fs/promises";
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
};

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
