import { readDocumentedService } from "@plinth/testing/openapi";
import { type ServiceFixture, startService } from "@plinth/testing/service";
import { afterAll, beforeAll, expect, test } from "vitest";
import { authz } from "../src/app.ts";

let service: ServiceFixture;

beforeAll(async () => {
  service = await startService({
    definition: authz,
    migrations: `${import.meta.dirname}/../migrations`,
    env: { PLINTH_AUTHZ_ADMINS: "service:root" },
  });
});
afterAll(() => service.stop());

test("every answer of REST is as the document says", async () => {
  const { call, uncalled } = await readDocumentedService(service.baseUrl);
  const as = async (workload: string) => ({ "x-plinth-workload-token": await service.tokens.workload(workload) });
  const headers = await as("root");
  const admin = { object: "platform:plinth", relation: "admin", subject: "user:ann" };
  const post = (path: string, body: object) => call("POST", `/authz/v1/${path}`, { headers, body });
  const written = await post("relationships:write", { writes: [admin], idempotent: true });
  const consistencyToken = JSON.parse(written.text).consistencyToken;
  const question = { subject: "user:ann", relation: "can_read_users", object: "platform:plinth" };
  await post("permissions:check", { ...question, consistency: { atLeast: consistencyToken } });
  await post("permissions:check", question);
  await post("permissions:batchCheck", { checks: [question, { ...question, object: "nonsense" }] });
  await call("GET", "/authz/v1/permissions?subject=user:ann&object=platform:plinth", { headers });
  await post("permissions:list", { subject: "user:ann", object: "platform:plinth" });
  await call("GET", "/authz/v1/relationships?filter.object=platform:plinth&page_size=1", { headers });
  await call("GET", "/authz/v1/model", { headers });
  const dsl = "module robots\n\ntype robot\n  relations\n    define owner: [user]\n";
  await call("PUT", "/authz/v1/modelModules/robots", { headers: await as("robots"), body: { dsl } });
  expect(uncalled()).toEqual([]);
  expect((await post("permissions:check", { ...question, relation: "" })).status).toBe(400);
});
