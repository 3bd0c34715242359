import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from "jose";
import type { Check, Finding } from "../check.ts";
import { skewFinding, skewHint } from "../clock-skew.ts";
import type { LocalContext } from "./local-context.ts";
import { controlName } from "./platform-checks.ts";

const category = "gateway";
const gatewayCheck = "gateway";
const signInCheck = "sign-in";
const answerTimeoutMs = 15_000;
/** The audit log takes entries in over the bus. */
const auditTimeoutMs = 15_000;
const auditPollMs = 200;

/** What callers meet: the gateway, the keys of tokens, and the audit log behind it. */
export const gatewayChecks: readonly Check<LocalContext>[] = [
  {
    category,
    name: gatewayCheck,
    anchor: "local-gateway",
    hint: "see plinth logs gateway",
    needs: [controlName],
    async run(context) {
      const { gatewayUrl: url } = await context.status();
      if (url === undefined) return { status: "skipped", message: "no gateway is part of this platform" };
      const keys = await keysOf(context);
      return keys.length > 0
        ? { status: "ok", message: `${url} answers, and publishes ${keys.length} keys of tokens` }
        : { status: "failed", message: `${url} answers, and publishes no key`, hint: "see plinth logs auth" };
    },
  },
  {
    category,
    name: signInCheck,
    anchor: "local-sign-in",
    hint: "see plinth logs auth and plinth logs identity; admin.json must hold the administrator's password",
    needs: [gatewayCheck],
    async run(context) {
      await context.session();
      return { status: "ok", message: "the administrator signs in" };
    },
  },
  {
    category,
    name: "signing keys",
    anchor: "local-signing-keys",
    hint: "plinth restart auth; if the key stays wrong, see docs/errors.md for what auth logs",
    needs: [signInCheck],
    run: signingKeys,
  },
  {
    category,
    name: "clock",
    anchor: "local-clock",
    hint: skewHint,
    needs: [signInCheck],
    async run(context) {
      const { accessToken, betweenMs } = await context.session();
      const { iat = 0 } = decodeJwt(accessToken);
      // Tokens tell whole seconds.
      return skewFinding(iat * 1_000, [betweenMs[0] - 1_000, betweenMs[1]], "the platform");
    },
  },
  {
    category: "audit",
    name: "log",
    anchor: "local-audit-log",
    hint: "see plinth logs audit and the checks of events; plinth audit verify tells whether the log is whole",
    needs: [signInCheck],
    run: auditLog,
  },
];

async function keysOf(context: LocalContext): Promise<JSONWebKeySet["keys"]> {
  const response = await fetch(`${await context.gatewayUrl()}/.well-known/jwks.json`, {
    signal: AbortSignal.timeout(answerTimeoutMs),
  });
  if (!response.ok) throw new Error(`/.well-known/jwks.json answers ${response.status}`);
  return ((await response.json()) as JSONWebKeySet).keys;
}

/** The published keys must verify what was signed just now; the token's own times are the clock check's business. */
async function signingKeys(context: LocalContext): Promise<Finding> {
  const { accessToken } = await context.session();
  const { iat = 0, exp = 0 } = decodeJwt(accessToken);
  const keys = await keysOf(context);
  try {
    const { protectedHeader } = await jwtVerify(accessToken, createLocalJWKSet({ keys }), {
      currentDate: new Date(iat * 1_000),
    });
    return { status: "ok", message: `key ${protectedHeader.kid} verifies tokens, which live for ${exp - iat} s` };
  } catch (err) {
    return { status: "failed", message: `no published key verifies a token: ${(err as Error).message}` };
  }
}

/** Signing in was an event: the newest checkpoint must come to be younger than that. */
async function auditLog(context: LocalContext): Promise<Finding> {
  const { accessToken, betweenMs } = await context.session();
  const deadline = context.clock.monotonicMs() + auditTimeoutMs;
  for (;;) {
    const { code, body } = await context.call("plinth.audit.v1.LogService/GetCheckpoint", {}, accessToken);
    if (code !== undefined) throw new Error(`no checkpoint: ${code}: ${String(body["message"])}`);
    const timeMs = Date.parse(String(body["time"]));
    if (timeMs >= betweenMs[0]) break;
    if (context.clock.monotonicMs() > deadline) {
      const message = `${body["size"]} entries, the newest checkpoint is of ${body["time"]}: sign-ins do not arrive`;
      return { status: "failed", message };
    }
    await context.clock.sleep(auditPollMs);
  }
  const { body } = await context.call("plinth.audit.v1.LogService/ListGaps", {}, accessToken);
  const gaps = (body["gaps"] ?? []) as object[];
  if (gaps.length === 0) return { status: "ok", message: "what happens is in the log at once, and nothing is missing" };
  const hint = "see plinth audit verify, and docs/audit.md for what to do about gaps";
  return { status: "warning", message: `${gaps.length} gaps: events of a service never arrived`, hint };
}
