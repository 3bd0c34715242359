import { readDocumentedService, runExamples } from "@plinth/testing/openapi";
import { expect, test } from "vitest";
import { admin, create, freshEmail, good, service, useIdentityService } from "./identity-fixture.ts";

useIdentityService();

const bearer = async (userId: string) => ({ authorization: `Bearer ${await service.tokens.user(userId)}` });

test("every answer of REST is as the document says", async () => {
  const { call, uncalled } = await readDocumentedService(service.baseUrl);
  const headers = await bearer(admin);
  const user = await create({ password: good, attributes: { team: "red" } });
  const path = `/identity/v1/users/${user.id}`;
  const post = (verb: string, body?: object) => call("POST", `${path}:${verb}`, { headers, ...(body ? { body } : {}) });
  expect((await call("POST", "/identity/v1/users", { headers, body: { email: freshEmail() } })).status).toBe(200);
  await call("GET", path, { headers });
  await call("GET", "/identity/v1/users?page_size=1&filter.email_prefix=user", { headers });
  await call("PATCH", path, { headers, body: { updateMask: "displayName", displayName: "Other" } });
  await post("setPassword", { password: `${good} more` });
  const own = { currentPassword: `${good} more`, newPassword: `${good} again` };
  await call("POST", "/identity/v1/users:changePassword", { headers: await bearer(user.id), body: own });
  await call("POST", "/identity/v1/users:import", {
    headers,
    body: { users: [{ email: freshEmail() }, { email: user.email }] },
  });
  await call("DELETE", path, { headers });
  await post("restore");
  await call("DELETE", path, { headers });
  await post("erase");
  await call("GET", `${path}/erasure`, { headers });
  expect(uncalled()).toEqual([]);
  const refused = [
    await call("GET", path),
    await call("GET", "/identity/v1/users?page_size=x", { headers }),
    await call("POST", "/identity/v1/users", { headers, body: { email: "none" } }),
  ];
  expect(refused.map(({ status }) => status)).toEqual([401, 400, 400]);
});

test("the page's examples are calls as they are written", async () => {
  const answers = await runExamples(service.baseUrl, await service.tokens.user(admin));
  expect(answers).toHaveLength(11);
  for (const { example, text } of answers)
    expect(`${example} ${text}`).not.toMatch(
      /REQUEST_MALFORMED|REQUEST_INVALID|PATH_UNKNOWN|CREDENTIALS_MISSING|UNSUPPORTED/,
    );
});
