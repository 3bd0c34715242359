import { Code, ConnectError } from "@connectrpc/connect";
import { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import { type As, type ServiceFixture, startService } from "@plinth/testing/service";
import { afterAll, beforeAll } from "vitest";
import { identity } from "../src/app.ts";

export const admin = "01920000-0000-7000-8000-00000000ad31";
export const reader = "01920000-0000-7000-8000-000000000bea";
export const nobody = "01920000-0000-7000-8000-000000000000";
export const good = "walnut ferry oblique";
/** Running while a file's tests run. */
export let service: ServiceFixture;

/** Starts the service for the tests of one file. */
export function useIdentityService(): void {
  beforeAll(async () => {
    service = await startService({
      definition: identity,
      migrations: `${import.meta.dirname}/../migrations`,
      // Cheap hashes, so that the suite is about behaviour; the real cost is bench/'s business.
      env: { PLINTH_IDENTITY_ARGON2_MEMORY_KIB: "64", PLINTH_IDENTITY_ARGON2_ITERATIONS: "1" },
      permissions: (subject, relation) =>
        subject === `user:${admin}` || (subject === `user:${reader}` && relation === "can_read_users"),
    });
  });
  afterAll(() => service.stop());
}

export const client = (as: As = { userId: admin }) => service.client(IdentityService, as);
export const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (err: unknown) => (err instanceof ConnectError ? Code[err.code] : err),
  );
let counter = 0;
export const freshEmail = () => `user${++counter}@test.example`;
export const create = async (
  fields: { email?: string; displayName?: string; password?: string; attributes?: Record<string, string> } = {},
) => (await client()).createUser({ email: freshEmail(), displayName: "Somebody", ...fields });
export const verify = async (email: string, password: string) =>
  (await (await client({ workload: "auth" })).verifyPassword({ email, password })).user;
