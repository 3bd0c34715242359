import type { AdminAccount } from "../local/admin-account.ts";
import type { LocalPaths } from "../local/local-paths.ts";
import type { ServiceStatus } from "../local/supervisor.ts";

export interface FinalBlockOptions {
  gatewayUrl: string | undefined;
  admin: AdminAccount | undefined;
  paths: LocalPaths;
  /** host:port by name. */
  companions: Record<string, string>;
  services: readonly ServiceStatus[];
  /** Saved sources are taken over. */
  watched: boolean;
}

/** What a person needs next, in one place. */
export function finalBlock(options: FinalBlockOptions): string[] {
  const { gatewayUrl, admin, paths } = options;
  return [
    "",
    "Plinth is ready.",
    "",
    ...(gatewayUrl ? [`  gateway    ${gatewayUrl}`] : directAddresses(options.services)),
    ...(admin
      ? [`  admin      ${admin.email}  password ${admin.password}`, `             (kept in ${paths.admin})`]
      : []),
    ...Object.entries(options.companions).map(([name, address]) => `  ${name.padEnd(10)} ${address}`),
    ...(gatewayUrl && admin ? signIn(gatewayUrl, admin) : []),
    "",
    `  data       ${paths.home} (kept; start anew with: npm start -- --reset)`,
    `  logs       ${paths.logs}`,
    ...(options.watched ? ["  sources    what you save is taken over (--no-watch: not)"] : []),
    "  traces     npx plinth trace --last shows the way of the newest request; npx plinth trace ID that of any, by its x-request-id",
    "",
    "  Ctrl-C stops everything.",
  ];
}

function signIn(gatewayUrl: string, { email, password }: AdminAccount): string[] {
  const message = JSON.stringify({ email, password });
  const method = "plinth.auth.v1.AuthService/Login";
  return [
    "",
    "  sign in:",
    `    curl -s ${gatewayUrl}/${method} -H 'content-type: application/json' -d '${message}'`,
    `    grpcurl -plaintext -d '${message}' ${new URL(gatewayUrl).host} ${method}`,
  ];
}

function directAddresses(services: readonly ServiceStatus[]): string[] {
  return services.flatMap(({ instances }) =>
    instances.map(({ label, port }) => `  ${label.padEnd(10)} http://127.0.0.1:${port}`),
  );
}
