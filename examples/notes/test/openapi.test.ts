import { readDocumentedService } from "@plinth/testing/openapi";
import { type ServiceFixture, startService } from "@plinth/testing/service";
import { afterAll, beforeAll, expect, test } from "vitest";
import { notes } from "../src/app.ts";
import { createAuthzPeer } from "./authz-peer.ts";

const ann = "01920000-0000-7000-8000-00000000000a";
const bob = "01920000-0000-7000-8000-00000000000b";
let service: ServiceFixture;

beforeAll(async () => {
  service = await startService({
    definition: notes,
    migrations: `${import.meta.dirname}/../migrations`,
    peers: [createAuthzPeer().routes],
  });
});
afterAll(() => service.stop());

test("every answer of REST is as the document says", async () => {
  const { call, uncalled } = await readDocumentedService(service.baseUrl);
  const headers = { authorization: `Bearer ${await service.tokens.user(ann)}` };
  const { text } = await call("POST", "/notes/v1/notes", { headers, body: { title: "Shopping" } });
  const path = `/notes/v1/notes/${JSON.parse(text).id}`;
  await call("GET", path, { headers });
  await call("GET", "/notes/v1/notes?page_size=5", { headers });
  await call("POST", `${path}:share`, { headers, body: { userId: bob } });
  await call("DELETE", path, { headers });
  expect(uncalled()).toEqual([]);
});

test("the document has what the proto's comments say", async () => {
  const { paths } = JSON.parse(await (await fetch(`${service.baseUrl}/openapi.json`)).text());
  expect(paths["/notes/v1/notes"].post.summary).toBe("Creates a note that belongs to the caller.");
});
