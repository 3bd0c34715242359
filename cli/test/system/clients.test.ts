import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { credentials, Client as GrpcClient, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  AuthService,
  ListSessionsRequestSchema,
  ListSessionsResponseSchema,
  LoginRequestSchema,
  TokenSetSchema,
} from "@plinth/proto/plinth/auth/v1/auth";
import { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, type Platform, signIn, startHookMs, startPlatform } from "./platform.ts";

const run = promisify(execFile);
const grpcurlMissing = await run("grpcurl", ["--version"]).then(
  () => false,
  () => true,
);
let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform("--log-level", "warn");
}, startHookMs);
afterAll(() => platform?.stop());

const authority = () => new URL(platform.gateway).host;

describe("@grpc/grpc-js, which shares no code with the servers", () => {
  async function unary(address: string, rpc: string, request: Uint8Array, metadata = new Metadata()): Promise<Buffer> {
    const client = new GrpcClient(address, credentials.createInsecure());
    try {
      return await new Promise<Buffer>((resolve, reject) =>
        client.makeUnaryRequest(
          `/${rpc}`,
          (bytes: Uint8Array) => Buffer.from(bytes),
          (bytes: Buffer) => bytes,
          request,
          metadata,
          { deadline: Date.now() + 60_000 },
          (err: ServiceError | null, answer?: Buffer) => (err ? reject(err) : resolve(answer as Buffer)),
        ),
      );
    } finally {
      client.close();
    }
  }
  const login = (address: string, password = platform.admin.password) =>
    unary(
      address,
      "plinth.auth.v1.AuthService/Login",
      toBinary(LoginRequestSchema, create(LoginRequestSchema, { email: platform.admin.email, password })),
    );

  test("signs in through the gateway and directly, and uses the token", async () => {
    const [auth] = await platform.instances("auth");
    for (const address of [authority(), `127.0.0.1:${auth?.port}`]) {
      const { accessToken } = fromBinary(TokenSetSchema, await login(address));
      const metadata = new Metadata();
      metadata.set("authorization", `Bearer ${accessToken}`);
      const list = toBinary(ListSessionsRequestSchema, create(ListSessionsRequestSchema));
      const answer = fromBinary(
        ListSessionsResponseSchema,
        await unary(address, "plinth.auth.v1.AuthService/ListSessions", list, metadata),
      );
      expect(answer.sessions.some((session) => session.current)).toBe(true);
    }
  });

  test("gets the code and message of a refusal", async () => {
    await expect(login(authority(), "wrong")).rejects.toMatchObject({
      code: 16,
      details: "the e-mail address or the password is not right",
    });
  });
});

describe.skipIf(grpcurlMissing)(
  "grpcurl (skipped when not installed: go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4)",
  () => {
    const grpcurl = (...args: string[]) => run("grpcurl", ["-plaintext", ...args]).then((r) => r.stdout);

    test("lists, describes and calls without any proto file, through the gateway and directly", async () => {
      const [auth] = await platform.instances("auth");
      for (const address of [authority(), `127.0.0.1:${auth?.port}`]) {
        expect(await grpcurl(address, "list")).toContain("plinth.auth.v1.AuthService");
        expect(await grpcurl(address, "describe", "plinth.auth.v1.AuthService.Login")).toContain("rpc Login");
        const answer = await grpcurl("-d", JSON.stringify(platform.admin), address, "plinth.auth.v1.AuthService/Login");
        expect(JSON.parse(answer)).toHaveProperty("accessToken");
      }
      expect(await grpcurl(authority(), "grpc.health.v1.Health/Check")).toContain("SERVING");
    });
  },
);

describe("browser clients (fetch, Connect and gRPC-web)", () => {
  test.each([
    ["Connect", createConnectTransport],
    ["gRPC-web", createGrpcWebTransport],
  ])("%s signs in and reads the own user", async (_, transportOf) => {
    const { accessToken } = await createClient(AuthService, transportOf({ baseUrl: platform.gateway })).login(
      platform.admin,
    );
    const userId = JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString()).sub.split(":")[1];
    const identity = createClient(IdentityService, transportOf({ baseUrl: platform.gateway }));
    const user = await identity.getUser({ id: userId }, { headers: { authorization: `Bearer ${accessToken}` } });
    expect(user.email).toBe(platform.admin.email);
  });
});

describe("the curl line of the final block", () => {
  test("works as printed", async () => {
    const line = /^\s+(curl -s .*)$/m.exec(platform.output())?.[1] ?? "";
    const { stdout } = await run("sh", ["-c", line]);
    expect(JSON.parse(stdout)).toHaveProperty("refreshToken");
  });
});

describe("rules at the edge and inside agree", () => {
  test("a workload token sent from outside is of no use", async () => {
    const token = await signIn(platform);
    const response = await fetch(`${platform.gateway}/plinth.identity.v1.IdentityService/VerifyPassword`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${token}`,
        "x-plinth-workload-token": "anything",
      },
      body: JSON.stringify({ email: platform.admin.email, password: platform.admin.password }),
    });
    expect(response.status).toBe(403);
  });

  test("the audit log shows who did what, with the request id that the caller got", async () => {
    const token = await signIn(platform);
    const response = await fetch(`${platform.gateway}/plinth.identity.v1.IdentityService/CreateUser`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${token}`,
        "x-request-id": "system-test-1",
      },
      body: JSON.stringify({ email: "traced@test.example" }),
    });
    expect(response.headers.get("x-request-id")).toBe("system-test-1");
    const list = () =>
      call<{ entries?: { action: string; traceId: string }[] }>(
        platform.gateway,
        "plinth.audit.v1.AuditService/ListEntries",
        { filter: { requestId: "system-test-1" } },
        token,
      );
    await eventually(async () =>
      expect((await list()).entries?.map((entry) => entry.action)).toEqual(["plinth.identity.v1.UserCreated"]),
    );
    expect((await list()).entries?.[0]?.traceId).toMatch(/^[0-9a-f]{32}$/);
  });
});
