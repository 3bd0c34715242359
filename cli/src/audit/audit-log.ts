import path from "node:path";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { LogService } from "@plinth/proto/plinth/audit/v1/log";
import { CommandFailure, exitCodes } from "../exit-codes.ts";
import { readAdminAccount } from "../local/admin-account.ts";
import { control } from "../local/control-socket.ts";
import { localPaths } from "../local/local-paths.ts";
import { gatewayCall } from "../verify/gateway-client.ts";

/** Where the audit log is and who asks. */
export interface AuditLogOptions {
  /** Folder of a platform on this machine: asked as its administrator unless `url` is given. */
  data: string;
  /** Gateway of a platform elsewhere. */
  url?: string;
  /** Access token for it. */
  token?: string;
}

/** Everything that a stream may take: the longest that the platform grants. */
export const streamTimeoutMs = 300_000;

/** Any other call: longer than the platform takes for it, so that its own answer says what is wrong. */
const callTimeoutMs = 30_000;

/** A client of the audit log. Throws CommandFailure that says what is missing. */
export async function openAuditLog(options: AuditLogOptions): Promise<Client<typeof LogService>> {
  const { baseUrl, token } = options.url === undefined ? await localPlatform(options.data) : elsewhere(options);
  const transport = createGrpcTransport({
    baseUrl,
    defaultTimeoutMs: callTimeoutMs,
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${token}`);
        return next(request);
      },
    ],
  });
  return createClient(LogService, transport);
}

function elsewhere({ url = "", token }: AuditLogOptions): { baseUrl: string; token: string } {
  if (token) return { baseUrl: url, token };
  throw new CommandFailure(
    "--url needs an access token of somebody who may read the audit log: set PLINTH_TOKEN",
    exitCodes.usage,
  );
}

async function localPlatform(data: string): Promise<{ baseUrl: string; token: string }> {
  const paths = localPaths(path.resolve(data));
  const status = await control(paths.controlSocket).status();
  const account = await readAdminAccount(paths.admin);
  if (!status?.gatewayUrl || !account)
    throw new CommandFailure(
      `no platform runs on ${paths.home}: start one, or name one with --url`,
      exitCodes.notRunning,
    );
  const { email, password } = account;
  const answer = await gatewayCall(status.gatewayUrl)("plinth.auth.v1.AuthService/Login", { email, password });
  const token = answer.body["accessToken"];
  if (typeof token !== "string")
    throw new CommandFailure(`the administrator could not sign in: ${String(answer.body["message"])}`);
  return { baseUrl: status.gatewayUrl, token };
}
