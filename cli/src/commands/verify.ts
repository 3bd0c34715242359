import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { CommandFailure, exitCodes } from "../exit-codes.ts";
import { namedTarget } from "../kubernetes/choose-target.ts";
import { type ClusterOptions, withCluster } from "../kubernetes/open-cluster.ts";
import { readAdminAccount } from "../local/admin-account.ts";
import { control } from "../local/control-socket.ts";
import { localPaths } from "../local/local-paths.ts";
import type { Terminal } from "../terminal.ts";
import { type StepResult, verifyPlatform } from "../verify/verify-platform.ts";

export interface VerifyCommandOptions extends ClusterOptions {
  data: string;
  cluster?: boolean;
  /** The gateway of a platform elsewhere. */
  url?: string;
  email?: string;
  /** From the environment. */
  password: string | undefined;
  passwordStdin: boolean;
  output: "text" | "json";
}

interface Place {
  gatewayUrl: string;
  admin: { email: string; password: string };
}

/** Tries the promises of a platform that runs, through its gateway, as an administrator; removes what it made. */
export async function verify(options: VerifyCommandOptions, terminal: Terminal): Promise<number> {
  const place = await placeOf(options);
  const steps: StepResult[] = [];
  const json = options.output === "json";
  const passed = await verifyPlatform({
    ...place,
    clock: systemClock,
    print: (line) => (json ? undefined : terminal.line(line)),
    onStep: (step) => steps.push(step),
  });
  if (json) terminal.line(JSON.stringify({ ok: passed, gatewayUrl: place.gatewayUrl, steps }, null, 2));
  else terminal.line(passed ? `${place.gatewayUrl} keeps its promises` : `${place.gatewayUrl} does not`);
  return passed ? exitCodes.ok : exitCodes.failed;
}

async function placeOf(options: VerifyCommandOptions): Promise<Place> {
  if (options.url !== undefined) {
    return { gatewayUrl: options.url.replace(/\/+$/, ""), admin: await givenAccount(options) };
  }
  if (namedTarget(options) === "cluster") return withCluster(options, (cluster) => onCluster(cluster, options));
  const paths = localPaths(path.resolve(options.data));
  const status = await control(paths.controlSocket).status();
  const admin = options.email === undefined ? await readAdminAccount(paths.admin) : await givenAccount(options);
  if (!status?.gatewayUrl || !admin) {
    throw new CommandFailure(
      `no platform runs on ${paths.home}: start one with npm start, or name one with --url and --email`,
      exitCodes.notRunning,
    );
  }
  return { gatewayUrl: status.gatewayUrl, admin };
}

async function givenAccount({ email, password, passwordStdin }: VerifyCommandOptions): Promise<Place["admin"]> {
  const given = passwordStdin ? await standardInput() : password;
  if (email && given) return { email, password: given };
  throw new CommandFailure(
    "give an administrator's account: --email, and the password in PLINTH_ADMIN_PASSWORD or with --password-stdin",
    exitCodes.usage,
  );
}

async function standardInput(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk as string;
  return text.replace(/\r?\n$/, "");
}

/** The account that the chart made, and the address that the operator publishes. */
async function onCluster(
  { client }: Parameters<Parameters<typeof withCluster>[1]>[0],
  options: VerifyCommandOptions,
): Promise<Place> {
  const { resources } = await import("@plinth/kube");
  const { platformServices } = await import("@plinth/operator");
  const namespace = options.namespace ?? "plinth";
  const { status } = await client.get(platformServices, { namespace, name: "auth" });
  if (!status?.url)
    throw new CommandFailure(`PlatformService ${namespace}/auth has no URL yet: name the gateway with --url`);
  const gatewayUrl = new URL(status.url).origin;
  if (options.email !== undefined) return { gatewayUrl, admin: await givenAccount(options) };
  const { data = {} } = await client.get(resources.secrets, { namespace, name: "plinth-administrator" });
  const entry = (name: string): string => Buffer.from(data[name] ?? "", "base64").toString("utf8");
  return { gatewayUrl, admin: { email: entry("email"), password: entry("password") } };
}
