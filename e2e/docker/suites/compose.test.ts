import { randomBytes } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPlinth, type Plinth } from "../../../sdk/typescript/src/browser.ts";
import { IdentityService } from "../../../sdk/typescript/src/gen/plinth/identity/v1/identity_pb.ts";
import { documentedCommands } from "../platform/documented.ts";
import { compose, shell } from "../platform/engine.ts";
import { type Container, containers, leftovers, spansOf } from "../platform/stack.ts";

const url = "http://127.0.0.1:8080";
const email = "admin@plinth.localhost";
const boundMs = 240_000;
const checkRpc = "plinth.authz.v1.AuthzService/Check";

const commands = documentedCommands("docs/develop.md", "Docker Compose");
/** The one that begins so. */
const command = (begin: string): string => {
  const found = commands.find((line) => line.startsWith(begin));
  if (found === undefined) throw new Error(`docs/develop.md has no command that begins with "${begin}"`);
  return found;
};

/** `docker compose up` as documented; what the containers said last when that fails. */
async function up(): Promise<void> {
  await shell(command("docker compose up")).catch(async (cause: unknown) => {
    throw new Error(await compose("logs", "--tail", "20"), { cause });
  });
}

let password: string;
let plinth: Plinth;

/** Makes the trace that a page's instrumentation would begin. */
function browserClient(traceId?: string): Plinth {
  const traced: typeof fetch = (input, init) => {
    const headers = new Headers(init?.headers);
    if (traceId !== undefined) headers.set("traceparent", `00-${traceId}-00000000000000ff-01`);
    return fetch(input, { ...init, headers });
  };
  return createPlinth({ url, fetch: traced });
}

async function signedIn(traceId?: string): Promise<Plinth> {
  const client = browserClient(traceId);
  await client.session.signIn({ email, password });
  return client;
}

const someone = (): string => `${randomBytes(6).toString("hex")}@test.example`;

/** Those that are to run on; the others have done their work. */
const running = async (): Promise<Container[]> =>
  (await containers()).filter(({ service }) => !/^(secrets|administrator|migrate-.*)$/.test(service));

beforeAll(async () => {
  await compose("down", "--volumes", "--remove-orphans");
  await up();
  password = (await shell(command("docker compose exec ground"))).trim();
  // All are healthy: the gateway finds them by itself as well.
  plinth = await eventually(() => signedIn(), boundMs);
});
afterAll(() => compose("down", "--volumes", "--remove-orphans"));

test("the documented commands bring everything up, and what has work to do once has done it", async () => {
  const all = await containers();
  const once = all.filter(({ state }) => state === "exited");
  expect(once.map(({ service, exitCode }) => `${service} ${exitCode}`)).toEqual([
    ...["administrator 0", "migrate-audit 0", "migrate-auth 0", "migrate-authz 0", "migrate-identity 0", "secrets 0"],
  ]);
  for (const { service, state, health, restarts } of await running())
    expect({ service, state, health, restarts }).toEqual({
      ...{ service, state: "running", health: service === "collector" ? "" : "healthy", restarts: 0 },
    });
  expect(all.length).toBe(once.length + 10);
});

test("curl signs in with the password, as documented", async () => {
  const line = command("curl").replace('"..."', JSON.stringify(password));
  expect(JSON.parse(await shell(line))).toMatchObject({ accessToken: expect.any(String) });
});

test("a browser's client is served over Connect and over gRPC-web, and refused without a session", async () => {
  const { users } = await plinth.identity.listUsers({});
  expect(users.map((user) => user.email)).toContain(email);
  const token = JSON.parse(await shell(command("curl").replace('"..."', JSON.stringify(password)))) as {
    accessToken: string;
  };
  const overGrpcWeb = createClient(IdentityService, createGrpcWebTransport({ baseUrl: url }));
  const headers = { authorization: `Bearer ${token.accessToken}` };
  const listed = await overGrpcWeb.listUsers({}, { headers });
  expect(listed.users.map((user) => user.email)).toContain(email);
  await expect(overGrpcWeb.listUsers({})).rejects.toMatchObject({ code: 16 });
});

test("a change is one trace from the browser's client to the audit entry, and the collector shows it", async () => {
  const traceId = randomBytes(16).toString("hex");
  const client = await signedIn(traceId);
  const created = await client.identity.createUser({ email: someone() });
  await eventually(async () => {
    const steps = new Set((await spansOf(traceId)).map(({ service, name }) => `${service}: ${name}`));
    expect([...steps]).toEqual(
      expect.arrayContaining([
        "gateway: POST identity/0",
        "identity: plinth.identity.v1.IdentityService/CreateUser",
        `authz: ${checkRpc}`,
        "identity: INSERT users",
        "identity: INSERT outbox",
        "identity: send identity.user.v1",
        "audit: process identity.user.v1",
      ]),
    );
  }, boundMs);
  await eventually(async () => {
    const { entries } = await client.audit.listEntries({ filter: { resource: `users/${created.id}` } });
    expect(entries).toContainEqual(expect.objectContaining({ action: "plinth.identity.v1.UserCreated", traceId }));
  }, boundMs);
});

test("a second `up` leaves everything that runs alone", async () => {
  const before = await running();
  await up();
  expect(await running()).toEqual(before);
});

test("a service can be scaled, and all its instances are called", async () => {
  await compose("up", "--detach", "--wait", "--no-recreate", "--scale", "authz=2", "authz");
  expect((await containers()).filter(({ service }) => service === "authz").length).toBe(2);
  const traceId = randomBytes(16).toString("hex");
  const client = await signedIn(traceId);
  await eventually(async () => {
    await client.identity.createUser({ email: someone() });
    const answered = (await spansOf(traceId)).filter(({ service, name }) => service === "authz" && name === checkRpc);
    expect(new Set(answered.map(({ instance }) => instance)).size).toBe(2);
  }, boundMs);
});

test.for(["identity", "postgres", "redis", "kafka"])(
  "when %s is killed it comes back, and work goes on",
  async (name) => {
    const [victim] = (await containers()).filter(({ service }) => service === name);
    if (!victim?.pid) throw new Error(`${name} has no container that runs`);
    // Not by the engine, which would take it as an order.
    process.kill(victim.pid, "SIGKILL");
    await eventually(async () => {
      const [now] = (await containers()).filter(({ service }) => service === name);
      expect(now).toMatchObject({ id: victim.id, state: "running", health: "healthy", restarts: 1 });
    }, boundMs);
    const created = await eventually(() => plinth.identity.createUser({ email: someone() }), boundMs);
    await eventually(async () => {
      const { entries } = await plinth.audit.listEntries({ filter: { resource: `users/${created.id}` } });
      expect(entries.map(({ action }) => action)).toContain("plinth.identity.v1.UserCreated");
    }, boundMs);
  },
);

test("what was stored is there after the whole was ended and begun again", async () => {
  const created = await plinth.identity.createUser({ email: someone() });
  await shell(command("docker compose down"));
  expect(await containers()).toEqual([]);
  await up();
  plinth = await eventually(() => signedIn(), boundMs);
  const kept = await eventually(() => plinth.identity.getUser({ id: created.id }), boundMs);
  expect(kept).toMatchObject({ email: created.email });
});

test("`down --volumes` leaves nothing", async () => {
  await shell(`${command("docker compose down")} --volumes`);
  expect(await leftovers()).toEqual([]);
});
