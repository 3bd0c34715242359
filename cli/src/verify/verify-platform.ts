import { randomBytes } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type { Clock } from "@plinth/kernel";
import { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import { type GatewayAnswer, type GatewayCall, gatewayCall } from "./gateway-client.ts";

const auth = "plinth.auth.v1.AuthService";
const identity = "plinth.identity.v1.IdentityService";
const audit = "plinth.audit.v1.AuditService";

// Events travel from the outbox over the bus into the audit log.
const auditTimeoutMs = 30_000;
const auditPollMs = 100;
const grpcTimeoutMs = 30_000;

export interface VerifyOptions {
  gatewayUrl: string;
  admin: { email: string; password: string };
  clock: Clock;
  /** Receives one line per step. */
  print: (line: string) => void;
  /** The same for programs. */
  onStep?: (step: StepResult) => void;
}

export interface StepResult {
  name: string;
  ok: boolean;
  durationMs: number;
  /** Why it failed; empty when it did not. */
  message: string;
  /** Where to look when it failed. */
  look: string;
}

/** What one step leaves for the next ones. */
interface Visit {
  call: GatewayCall;
  options: VerifyOptions;
  user: { email: string; password: string; id: string };
  adminToken: string;
  adminRefreshToken: string;
  userToken: string;
  refreshToken: string;
}

interface Step {
  name: string;
  /** Where to look when it fails. */
  look: string;
  run: (visit: Visit) => Promise<void>;
}

/** The platform's promises, tried from outside through the gateway. True when all hold. Removes what it created. */
export async function verifyPlatform(options: VerifyOptions): Promise<boolean> {
  const visit: Visit = {
    call: gatewayCall(options.gatewayUrl),
    options,
    user: {
      email: `check-${randomBytes(6).toString("hex")}@plinth.localhost`,
      password: randomBytes(18).toString("base64url"),
      id: "",
    },
    adminToken: "",
    adminRefreshToken: "",
    userToken: "",
    refreshToken: "",
  };
  const passed = await runSteps(steps, visit);
  const cleaned = visit.user.id === "" || (await runSteps([removeUser], visit));
  const signedOut = visit.adminRefreshToken === "" || (await runSteps([signOut], visit));
  return passed && cleaned && signedOut;
}

async function runSteps(list: readonly Step[], visit: Visit): Promise<boolean> {
  const { clock, print, onStep } = visit.options;
  for (const step of list) {
    const begin = clock.monotonicMs();
    const durationMs = () => Math.round(clock.monotonicMs() - begin);
    try {
      await step.run(visit);
      print(`✓ ${step.name} (${durationMs()} ms)`);
      onStep?.({ name: step.name, ok: true, durationMs: durationMs(), message: "", look: "" });
    } catch (err) {
      const { message } = err as Error;
      print(`✗ ${step.name}: ${message}`);
      print(`  look at: ${step.look}`);
      onStep?.({ name: step.name, ok: false, durationMs: durationMs(), message, look: step.look });
      return false;
    }
  }
  return true;
}

const steps: readonly Step[] = [
  {
    name: "the administrator signs in",
    look: "plinth logs auth, plinth logs identity",
    async run(visit) {
      const { email, password } = visit.options.admin;
      const answer = succeeded(await visit.call(`${auth}/Login`, { email, password, deviceName: "plinth verify" }));
      visit.adminToken = text(answer, "accessToken");
      visit.adminRefreshToken = text(answer, "refreshToken");
    },
  },
  {
    name: "a wrong password is refused",
    look: "plinth logs auth",
    async run({ call, options }) {
      refused(
        await call(`${auth}/Login`, { email: options.admin.email, password: "not the password" }),
        "unauthenticated",
      );
    },
  },
  {
    name: "the administrator creates a user",
    look: "plinth logs identity, plinth logs authz",
    async run(visit) {
      const { email, password } = visit.user;
      const message = { email, password, displayName: "Check" };
      visit.user.id = text(succeeded(await visit.call(`${identity}/CreateUser`, message, visit.adminToken)), "id");
    },
  },
  {
    name: "the user signs in",
    look: "plinth logs auth, plinth logs identity",
    async run(visit) {
      const { email, password } = visit.user;
      const answer = succeeded(await visit.call(`${auth}/Login`, { email, password }));
      visit.userToken = text(answer, "accessToken");
      visit.refreshToken = text(answer, "refreshToken");
    },
  },
  {
    name: "the user may not create users",
    look: "plinth logs identity, plinth logs authz",
    async run({ call, userToken }) {
      const message = { email: "nobody@plinth.localhost" };
      refused(await call(`${identity}/CreateUser`, message, userToken), "permission_denied");
    },
  },
  {
    name: "a call without a token is refused",
    look: "plinth logs gateway",
    async run({ call, user }) {
      refused(await call(`${identity}/GetUser`, { id: user.id }), "unauthenticated");
    },
  },
  {
    name: "the audit log shows the new user",
    look: "plinth logs audit, and the outbox of identity",
    run: (visit) => seenInAudit(visit),
  },
  {
    name: "gRPC works as well",
    look: "plinth logs gateway, plinth logs auth",
    run: (visit) => listsSessionsByGrpc(visit),
  },
  {
    name: "a refresh token is exchanged for a new pair",
    look: "plinth logs auth",
    async run(visit) {
      const answer = succeeded(await visit.call(`${auth}/Refresh`, { refreshToken: visit.refreshToken }));
      const next = text(answer, "refreshToken");
      if (next === visit.refreshToken) throw new Error(`the refresh token did not change${reference(answer)}`);
      visit.refreshToken = next;
      visit.userToken = text(answer, "accessToken");
      succeeded(await visit.call(`${identity}/GetUser`, { id: visit.user.id }, visit.userToken));
    },
  },
  {
    name: "logout ends the session",
    look: "plinth logs auth",
    async run({ call, refreshToken }) {
      succeeded(await call(`${auth}/Logout`, { refreshToken }));
      refused(await call(`${auth}/Refresh`, { refreshToken }), "unauthenticated");
    },
  },
];

const removeUser: Step = {
  name: "the user is deleted",
  look: "plinth logs identity",
  async run({ call, user, adminToken }) {
    succeeded(await call(`${identity}/DeleteUser`, { id: user.id }, adminToken));
    succeeded(await call(`${identity}/EraseUser`, { id: user.id }, adminToken));
  },
};

const signOut: Step = {
  name: "the administrator signs out",
  look: "plinth logs auth",
  async run({ call, adminRefreshToken }) {
    succeeded(await call(`${auth}/Logout`, { refreshToken: adminRefreshToken }));
  },
};

async function seenInAudit(visit: Visit): Promise<void> {
  const { clock } = visit.options;
  const filter = { action: "plinth.identity.v1.UserCreated" };
  const deadline = clock.monotonicMs() + auditTimeoutMs;
  for (;;) {
    const answer = succeeded(await visit.call(`${audit}/ListEntries`, { pageSize: 50, filter }, visit.adminToken));
    const entries = (answer.body["entries"] ?? []) as object[];
    if (entries.some((entry) => JSON.stringify(entry).includes(visit.user.id))) return;
    if (clock.monotonicMs() > deadline) {
      throw new Error(`no UserCreated of ${visit.user.id} within ${auditTimeoutMs / 1000} s${reference(answer)}`);
    }
    await clock.sleep(auditPollMs);
  }
}

async function listsSessionsByGrpc(visit: Visit): Promise<void> {
  const transport = createGrpcTransport({ baseUrl: visit.options.gatewayUrl, readMaxBytes: 4 * 1024 * 1024 });
  const { sessions } = await createClient(AuthService, transport).listSessions(
    {},
    { headers: { authorization: `Bearer ${visit.userToken}` }, timeoutMs: grpcTimeoutMs },
  );
  if (sessions.length !== 1) throw new Error(`expected the one session of the user, got ${sessions.length}`);
}

function succeeded(answer: GatewayAnswer): GatewayAnswer {
  if (answer.code === undefined) return answer;
  throw new Error(`${answer.code}: ${String(answer.body["message"] ?? "")}${reference(answer)}`);
}

function refused(answer: GatewayAnswer, code: string): void {
  if (answer.code === code) return;
  throw new Error(`expected ${code}, got ${answer.code ?? "success"}${reference(answer)}`);
}

function text(answer: GatewayAnswer, field: string): string {
  const value = answer.body[field];
  if (typeof value === "string" && value !== "") return value;
  throw new Error(`the answer has no ${field}${reference(answer)}`);
}

const reference = (answer: GatewayAnswer): string =>
  answer.requestId === undefined ? "" : ` (request ${answer.requestId})`;
