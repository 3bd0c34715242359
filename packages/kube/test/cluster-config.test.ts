import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { loadClusterConfig } from "../src/cluster-config.ts";
import { startScriptedServer } from "./scripted-server.ts";
import { connect, notes } from "./test-client.ts";

async function kubeconfig(
  changes: { server?: string; user?: object; cluster?: object; name?: string } = {},
): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-kubeconfig-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, "config");
  const name = changes.name ?? "one";
  const content = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server: changes.server ?? "https://10.0.0.1:443/", ...changes.cluster } }],
    users: [{ name, user: changes.user ?? { token: "secret" } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: "team" } }],
    "current-context": name,
  };
  await writeFile(file, JSON.stringify(content));
  return file;
}

test("a kubeconfig gives server, namespace, token and authority", async () => {
  const ca = Buffer.from("-----BEGIN CERTIFICATE-----").toString("base64");
  const cluster = { "certificate-authority-data": ca };
  const config = await loadClusterConfig({ kubeconfig: await kubeconfig({ cluster }) });
  expect(config).toMatchObject({ server: "https://10.0.0.1:443", namespace: "team" });
  const { headers, tls } = await config.credentials();
  expect(headers).toEqual({ authorization: "Bearer secret" });
  expect(String(tls.ca)).toBe("-----BEGIN CERTIFICATE-----");
});

test("several files are merged, the first one's context counts, and another can be chosen", async () => {
  const files = [await kubeconfig(), await kubeconfig({ name: "two", server: "https://10.0.0.2:443" })];
  const joined = files.join(path.delimiter);
  expect((await loadClusterConfig({ kubeconfig: joined })).server).toBe("https://10.0.0.1:443");
  expect((await loadClusterConfig({ kubeconfig: joined, context: "two" })).server).toBe("https://10.0.0.2:443");
});

test("a client certificate is read from its file, and anew when the file was replaced", async () => {
  const file = await kubeconfig();
  const certificate = path.join(path.dirname(file), "client.crt");
  await writeFile(certificate, "first");
  await writeFile(`${certificate}.key`, "key");
  const user = { "client-certificate": certificate, "client-key": `${certificate}.key` };
  const config = await loadClusterConfig({ kubeconfig: await kubeconfig({ user }) });
  expect(String((await config.credentials()).tls.cert)).toBe("first");
  await writeFile(certificate, "second");
  expect(String((await config.credentials()).tls.cert)).toBe("second");
});

test("a plain-text server on the same machine, as kubectl proxy is, can be used", async () => {
  const server = await startScriptedServer((exchange) => exchange.answer(200, { metadata: { name: "a" } }));
  onTestFinished(() => server.stop());
  const file = await kubeconfig({ server: server.cluster.server });
  const { client, transport } = connect(await loadClusterConfig({ kubeconfig: file }));
  onTestFinished(() => transport.close());
  await expect(client.get(notes, { name: "a", namespace: "team" })).resolves.toMatchObject({ metadata: { name: "a" } });
  expect(server.requests[0]?.headers.authorization).toBe("Bearer secret");
});

test.each([
  ["a file that is not there", () => "/nowhere/config", /ENOENT/],
  ["a proxy", () => kubeconfig({ cluster: { "proxy-url": "http://127.0.0.1:1" } }), /proxy-url is not supported/],
  ["no file outside of a pod", () => undefined, /this is no pod; name a kubeconfig file/],
])("%s is refused with the reason", async (_, file, message) => {
  const expected = { code: "failed_precondition", message: expect.stringMatching(message) };
  await expect(loadClusterConfig({ kubeconfig: await file() })).rejects.toMatchObject(expected);
});

test("an unknown context is refused", async () => {
  const options = { kubeconfig: await kubeconfig(), context: "elsewhere" };
  await expect(loadClusterConfig(options)).rejects.toThrow("names no cluster");
});
