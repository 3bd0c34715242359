import { randomBytes } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import { systemRandom } from "@plinth/kernel";
import { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import { type As, partialService, type ServiceFixture, startService } from "@plinth/testing/service";
import { afterAll, beforeAll } from "vitest";
import { auth } from "../src/app.ts";

export const manager = "01920000-0000-7000-8000-00000000ad31";
export const password = "walnut ferry oblique";
/** E-mail address to id; the peer that stands in for identity knows them. */
const users = new Map<string, string>();
/** Running while a file's tests run. */
export let service: ServiceFixture;

/** Starts the service for the tests of one file. */
export function useAuthService(): void {
  beforeAll(async () => {
    service = await startService({
      definition: auth,
      migrations: `${import.meta.dirname}/../migrations`,
      env: { PLINTH_AUTH_KEY_ENCRYPTION_KEY: randomBytes(32).toString("base64"), PLINTH_AUTH_REPLAY_WINDOW: "60s" },
      permissions: (subject) => subject === `user:${manager}`,
      peers: [
        partialService(IdentityService, {
          verifyPassword: async (request: { email: string; password: string }) => {
            const id = users.get(request.email);
            return id && request.password === password ? { user: { id, email: request.email } } : {};
          },
        }),
      ],
    });
  });
  afterAll(() => service.stop());
}

export const client = (as: As = {}) => service.client(AuthService, as);
export const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (err: unknown) => (err instanceof ConnectError ? Code[err.code] : err),
  );
export const from = (address: string): As => ({ workload: "gateway", headers: { "x-plinth-client-address": address } });
let counter = 0;
export const freshAddress = () => `198.51.100.${++counter % 250}-${counter}`;

/** The service verifies with its own keys: callers bring tokens that it issued. */
export const bearer = (accessToken: string): As => ({ headers: { authorization: `Bearer ${accessToken}` } });

export function newUser(): { id: string; email: string } {
  const id = systemRandom.uuidv7(Date.now());
  const email = `user${++counter}@test.example`;
  users.set(email, id);
  return { id, email };
}

export async function signIn(user = newUser()) {
  const tokens = await (await client(from(freshAddress()))).login({ email: user.email, password, deviceName: "test" });
  return { ...user, ...tokens };
}

export async function managerToken(): Promise<As> {
  users.set("manager@test.example", manager);
  return bearer(
    (await (await client(from(freshAddress()))).login({ email: "manager@test.example", password })).accessToken,
  );
}

export async function serviceToken(as: As, serviceName = "robot") {
  const { credential, clientSecret } = await (await client(as)).createServiceCredential({ serviceName });
  return { clientId: credential?.clientId ?? "", clientSecret };
}

export const eventsOf = async (subject: string) =>
  (await service.published("auth.session.v1"))
    .filter((e) => e.subject.startsWith(subject))
    .map((e) => e.type.split(".").at(-1));
