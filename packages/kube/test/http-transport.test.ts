import { createFakeClock, eventually } from "@plinth/testing";
import { expect, onTestFinished, test } from "vitest";
import type { ClusterCredentials, ClusterTls } from "../src/cluster-config.ts";
import { createHttpTransport } from "../src/http-transport.ts";
import { type Exchange, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";
import { connect, notes, plainOptions } from "./test-client.ts";

async function serve(handle: (exchange: Exchange) => void): Promise<ScriptedServer & ReturnType<typeof connect>> {
  const server = await startScriptedServer(handle);
  const connection = connect(server.cluster);
  onTestFinished(async () => {
    await connection.transport.close();
    await server.stop();
  });
  return { ...server, ...connection };
}

const some = { name: "a", namespace: "default" };
const status = (code: number, reason: string, message: string, details = {}): object => ({
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  code,
  reason,
  message,
  details,
});

test("many calls share a few connections", async () => {
  const { client, connections } = await serve((exchange) => exchange.answer(200, { metadata: { name: "a" } }));
  for (let i = 0; i < 50; i++) await client.get(notes, some);
  expect(connections()).toBeLessThanOrEqual(2);
});

test.each([
  [404, "NotFound", "not_found", "NOT_FOUND"],
  [409, "AlreadyExists", "already_exists", "ALREADY_EXISTS"],
  [409, "Conflict", "aborted", "CONFLICT"],
  [410, "Expired", "out_of_range", "EXPIRED"],
  [422, "Invalid", "invalid_argument", "INVALID"],
  [403, "Forbidden", "permission_denied", "FORBIDDEN"],
  [500, "InternalError", "internal", "INTERNAL_ERROR"],
] as const)("a refusal with %i %s is the fault %s, %s", async (code, apiReason, faultCode, reason) => {
  const { client } = await serve((exchange) => exchange.answer(code, status(code, apiReason, "because")));
  await expect(client.get(notes, some)).rejects.toMatchObject({ code: faultCode, reason, message: "because" });
});

test("a refusal that is no Status still says what came", async () => {
  const { client } = await serve((exchange) => exchange.answer(502, "bad gateway\n"));
  const expected = { code: "unavailable", reason: "HTTP_502", message: "bad gateway" };
  await expect(client.get(notes, some)).rejects.toMatchObject(expected);
});

test("a refusal names the fields it is about and the managers who own them", async () => {
  const causes = [
    { reason: "FieldManagerConflict", message: 'conflict with "kubectl" using v1', field: ".data.text" },
    { reason: "FieldManagerConflict", message: 'conflict with "kubectl" using v1', field: ".data.more" },
  ];
  const { client } = await serve((exchange) => exchange.answer(409, status(409, "Conflict", "no", { causes })));
  const details = { status: "409", fields: ".data.text, .data.more", managers: "kubectl" };
  await expect(client.get(notes, some)).rejects.toMatchObject({ details });
});

test("a server that asks to wait is asked again", async () => {
  const answers = [429, 503, 200];
  const { client, requests } = await serve((exchange) => {
    const code = answers[requests.length - 1] ?? 200;
    exchange.answer(code, { metadata: { name: "a" } }, code === 200 ? {} : { "retry-after": "0.01" });
  });
  await expect(client.get(notes, some)).resolves.toMatchObject({ metadata: { name: "a" } });
  expect(requests).toHaveLength(3);
});

test("a refused token is read anew once, and then the refusal stands", async () => {
  const tokens = ["old", "new"];
  const server = await startScriptedServer((exchange) => {
    const known = exchange.headers.authorization === "Bearer new";
    exchange.answer(known ? 200 : 401, known ? { metadata: { name: "a" } } : status(401, "Unauthorized", "who?"));
  });
  const credentials = async (): Promise<{ headers: Record<string, string>; tls: object }> => ({
    headers: { authorization: `Bearer ${tokens.shift() ?? "none"}` },
    tls: {},
  });
  const transport = createHttpTransport({
    ...plainOptions,
    cluster: { ...server.cluster, credentials },
    userAgent: "t",
  });
  onTestFinished(async () => {
    await transport.close();
    await server.stop();
  });
  await expect(transport.send({ method: "GET", path: "/" })).resolves.toBeDefined();
  expect(server.requests).toHaveLength(2);
});

test("credentials are read once a minute; new certificates get a new connection and streams go on", async () => {
  const streams: ReturnType<Exchange["stream"]>[] = [];
  const server = await startScriptedServer((exchange) => {
    if (exchange.path === "/stream") streams.push(exchange.stream());
    else exchange.answer(200, {});
  });
  const clock = createFakeClock();
  let reads = 0;
  let tls: ClusterTls = { ca: "first" };
  const credentials = async (): Promise<ClusterCredentials> => ({
    headers: { authorization: `Bearer ${++reads}` },
    tls,
  });
  const cluster = { ...server.cluster, credentials };
  const transport = createHttpTransport({ ...plainOptions, cluster, clock, userAgent: "t" });
  onTestFinished(async () => {
    await transport.close();
    await server.stop();
  });
  const received: string[] = [];
  const reading = (async () => {
    for await (const chunk of transport.open({ method: "GET", path: "/stream", idleMs: 60_000 })) {
      received.push(Buffer.from(chunk).toString());
    }
  })();
  await eventually(() => expect(streams).toHaveLength(1));
  const call = (): Promise<unknown> => transport.send({ method: "GET", path: "/" });
  for (let i = 0; i < 10; i++) await call();
  expect(reads).toBe(1);
  clock.advance(60_001);
  for (let i = 0; i < 10; i++) await call();
  expect(reads).toBe(2);
  expect(server.requests.at(-1)?.headers.authorization).toBe("Bearer 2");
  const before = server.connections();
  expect(before).toBeLessThanOrEqual(3);

  tls = { ca: "second" };
  clock.advance(60_001);
  await call();
  expect(server.connections()).toBe(before + 1);
  streams[0]?.raw("still here");
  await eventually(() => expect(received).toEqual(["still here"]));
  streams[0]?.end();
  await reading;
});

test("a server that never answers, goes away or sends no JSON is a fault", async () => {
  const { transport } = await serve((exchange) => {
    if (exchange.path === "/cut") exchange.cut();
    if (exchange.path === "/garbage") {
      exchange.answer(200, "{", { "content-type": "application/json" });
    }
  });
  const send = (path: string, more = {}): Promise<unknown> => transport.send({ method: "GET", path, ...more });
  const late = { code: "deadline_exceeded", reason: "API_SERVER_TIMEOUT" };
  await expect(send("/silent", { timeoutMs: 300 })).rejects.toMatchObject(late);
  await expect(send("/cut")).rejects.toMatchObject({ code: "unavailable", reason: "API_SERVER_UNREACHABLE" });
  await expect(send("/garbage")).rejects.toMatchObject({ reason: "ANSWER_NOT_JSON" });
});

test("a caller who gives up, before or after the call went out, gets his own reason", async () => {
  const arrived = Promise.withResolvers<void>();
  const { transport, connections } = await serve(() => arrived.resolve());
  const reason = new Error("changed my mind");
  const early = AbortSignal.abort(reason);
  await expect(transport.send({ method: "GET", path: "/silent", signal: early })).rejects.toBe(reason);
  expect(connections()).toBe(0);
  const caller = new AbortController();
  // Nothing but the caller ends this call while the test lasts.
  const call = transport.send({ method: "GET", path: "/silent", signal: caller.signal, timeoutMs: 3_600_000 });
  await arrived.promise;
  caller.abort(reason);
  await expect(call).rejects.toBe(reason);
});

test("a call is over when its time is, by the clock", async () => {
  const arrived = Promise.withResolvers<void>();
  const server = await startScriptedServer(() => arrived.resolve());
  const clock = createFakeClock();
  const transport = createHttpTransport({ ...plainOptions, cluster: server.cluster, clock, userAgent: "t" });
  onTestFinished(async () => {
    await transport.close();
    await server.stop();
  });
  const call = transport.send({ method: "GET", path: "/silent", timeoutMs: 3_600_000 });
  await arrived.promise;
  clock.advance(3_600_000);
  await expect(call).rejects.toMatchObject({ code: "deadline_exceeded", reason: "API_SERVER_TIMEOUT" });
});

test("an answer beyond the limit is refused", async () => {
  const server = await startScriptedServer((exchange) => exchange.answer(200, "x".repeat(5_000)));
  const options = { ...plainOptions, cluster: server.cluster, userAgent: "t", responseBytesMax: 1_000 };
  const transport = createHttpTransport(options);
  onTestFinished(async () => {
    await transport.close();
    await server.stop();
  });
  await expect(transport.send({ method: "GET", path: "/" })).rejects.toMatchObject({ reason: "ANSWER_TOO_LARGE" });
});

test("writes name their manager, are strict, and deletes carry their preconditions", async () => {
  const { client, requests } = await serve((exchange) => exchange.answer(200, {}));
  await client.apply(notes, { metadata: some, data: { a: "1" } }, { fieldManager: "me", force: true });
  await client.delete(notes, some, { uid: "u", resourceVersion: "7" });
  const [apply, remove] = requests;
  expect(apply).toMatchObject({ method: "PATCH", path: "/api/v1/namespaces/default/configmaps/a" });
  expect(Object.fromEntries(apply?.query ?? [])).toEqual({
    fieldManager: "me",
    force: "true",
    fieldValidation: "Strict",
  });
  expect(apply?.headers["content-type"]).toBe("application/apply-patch+yaml");
  expect(apply?.body).toMatchObject({ apiVersion: "v1", kind: "ConfigMap" });
  expect(remove?.body).toMatchObject({
    preconditions: { uid: "u", resourceVersion: "7" },
    propagationPolicy: "Background",
  });
});
