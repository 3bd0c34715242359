import { readDocumentedService } from "@plinth/testing/openapi";
import { expect, test } from "vitest";
import { auditor, keyManager, newId, record, service, useAuditService, wholeCheckpoint } from "./audit-fixture.ts";

useAuditService();

test("answers of REST are as the document says", async () => {
  const { call, uncalled } = await readDocumentedService(service.baseUrl);
  const as = async (userId: string) => ({ authorization: `Bearer ${await service.tokens.user(userId)}` });
  const headers = await as(auditor);
  const get = (path: string) => call("GET", `/audit/v1/${path}`, { headers });
  await record(3);
  const body = {
    id: newId(),
    action: "a.b",
    actor: "user:1",
    resource: "notes/1",
    outcome: "OUTCOME_SUCCESS",
    details: { n: [1, null] },
  };
  const notes = { "x-plinth-workload-token": await service.tokens.workload("notes") };
  await call("POST", "/audit/v1/entries", { headers: notes, body });
  // An entry is proven once a checkpoint covers it.
  await wholeCheckpoint();
  const { entries } = JSON.parse((await get("entries?page_size=10")).text);
  const path = `entries/${entries.at(-1).id}`;
  await get(path);
  await call("POST", "/audit/v1/entries:export", { headers, body: { format: "EXPORT_FORMAT_JSON_LINES" } });
  await get("log/checkpoint");
  await get(`${path}/inclusionProof`);
  await get(`${path}/proof`);
  await get("log/consistencyProof?from_size=1");
  await get("log/keys");
  await get("log/gaps");
  await call("POST", "/audit/v1/log/keys:rotate", { headers: await as(keyManager) });
  await get("log/witnessRequest");
  // What only a witness can say.
  expect(uncalled()).toEqual(["POST /audit/v1/log/checkpoints/{size}:addCosignatures"]);
});
