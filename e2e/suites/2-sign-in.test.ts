import { beforeAll, describe, expect, inject, test } from "vitest";
import { curl, signIn } from "../platform/calls.ts";
import { ensurePlatform } from "../platform/ensure-platform.ts";
import { type Administrator, administrator, gatewayUrl } from "../platform/platform.ts";
import { attempt } from "../platform/program.ts";

let url: string;
let admin: Administrator;

beforeAll(async () => {
  await ensurePlatform(inject("target"));
  url = await gatewayUrl();
  admin = await administrator();
});

const grpcurl = (message: object, method: string, ...headers: string[]) =>
  attempt("grpcurl", [
    ...["-plaintext", "-d", JSON.stringify(message), ...headers.flatMap((header) => ["-H", header])],
    // With the port, which a URL leaves out when it is the usual one.
    ...[`${new URL(url).hostname}:${new URL(url).port || 80}`, method],
  ]);

describe("through the gateway", () => {
  test("curl signs in and uses the token", async () => {
    const token = await signIn(url, admin);
    const { status, body } = await curl(`${url}/plinth.auth.v1.AuthService/ListSessions`, {}, token);
    expect(status, JSON.stringify(body)).toBe(200);
    expect((body["sessions"] as object[]).length).toBeGreaterThan(0);
  });

  test("grpcurl signs in by reflection alone and uses the token", async () => {
    const login = await grpcurl({ email: admin.email, password: admin.password }, "plinth.auth.v1.AuthService/Login");
    expect(login.code, login.stderr).toBe(0);
    const { accessToken } = JSON.parse(login.stdout) as { accessToken: string };
    const users = await grpcurl(
      { pageSize: 10 },
      "plinth.identity.v1.IdentityService/ListUsers",
      `authorization: Bearer ${accessToken}`,
    );
    expect(users.code, users.stderr).toBe(0);
    expect(users.stdout).toContain(admin.email);
  });

  test("a wrong password and a missing token are refused", async () => {
    const wrong = await curl(`${url}/plinth.auth.v1.AuthService/Login`, { email: admin.email, password: "wrong" });
    expect(wrong).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
    const missing = await curl(`${url}/plinth.identity.v1.IdentityService/ListUsers`, {});
    expect(missing).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
  });

  test("one OpenAPI document and its page describe every service that is reachable", async () => {
    const response = await fetch(`${url}/openapi.json`);
    expect([response.status, response.headers.get("x-plinth-unavailable")]).toEqual([200, null]);
    const { openapi, paths } = (await response.json()) as { openapi: string; paths: Record<string, object> };
    expect(openapi).toMatch(/^3[.]1/);
    const services = new Set(Object.keys(paths).map((path) => path.split("/")[1]));
    for (const service of ["auth", "identity", "authz", "audit"]) expect(services).toContain(service);
    const page = await fetch(`${url}/openapi`);
    expect([page.status, page.headers.get("content-type")]).toEqual([200, expect.stringMatching(/^text[/]html/)]);
    expect(await page.text()).toContain("/identity/v1/users");
  });

  test("keys for others to verify tokens with are public", async () => {
    const response = await fetch(`${url}/.well-known/jwks.json`);
    expect(response.status).toBe(200);
    expect(((await response.json()) as { keys: object[] }).keys.length).toBeGreaterThan(0);
  });
});
