import { ConfigError, createLogger, readConfig, systemClock } from "@plinth/kernel";
import { migratorConfig } from "./config.ts";
import { migratorExitCodes, runMigrator } from "./run-migrator.ts";

const logger = createLogger({ service: "migrator", level: "info" });
try {
  const config = readConfig(migratorConfig, process.env);
  process.exitCode = await runMigrator({ config, logger, clock: systemClock });
} catch (err) {
  logger.error({ err }, "the migrator could not start");
  process.exitCode = err instanceof ConfigError ? migratorExitCodes.usage : migratorExitCodes.again;
}
