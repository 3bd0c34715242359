import type { Check } from "../check.ts";
import { databaseChecks, outboxCheck } from "./database-checks.ts";
import { eventChecks } from "./event-checks.ts";
import { gatewayChecks } from "./gateway-checks.ts";
import type { LocalContext } from "./local-context.ts";
import { platformChecks } from "./platform-checks.ts";

/** A platform that runs on this machine, from the ground up. */
export const localChecks: readonly Check<LocalContext>[] = [
  ...platformChecks,
  ...databaseChecks,
  ...gatewayChecks,
  outboxCheck,
  ...eventChecks,
];
