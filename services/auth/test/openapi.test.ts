import { readDocumentedService, runExamples } from "@plinth/testing/openapi";
import { expect, test } from "vitest";
import { managerToken, newUser, password, service, signIn, useAuthService } from "./auth-fixture.ts";

useAuthService();

test("every answer of REST is as the document says", async () => {
  const { call, uncalled } = await readDocumentedService(service.baseUrl);
  const { headers = {} } = await managerToken();
  const { id, email } = newUser();
  const login = await call("POST", "/auth/v1/sessions:login", { body: { email, password } });
  const { accessToken, refreshToken } = JSON.parse(login.text);
  const own = { authorization: `Bearer ${accessToken}` };
  const refreshed = await call("POST", "/auth/v1/sessions:refresh", { body: { refreshToken } });
  await call("POST", "/auth/v1/tokens:introspect", { headers, body: { token: accessToken } });
  const { sessions } = JSON.parse((await call("GET", "/auth/v1/sessions", { headers: own })).text);
  await call("DELETE", `/auth/v1/sessions/${sessions[0].id}`, { headers: own });
  await call("POST", "/auth/v1/sessions:revokeAll", { headers, body: { userId: id } });
  await call("POST", "/auth/v1/sessions:logout", { body: { refreshToken: JSON.parse(refreshed.text).refreshToken } });
  const made = await call("POST", "/auth/v1/serviceCredentials", { headers, body: { serviceName: "robot" } });
  const { credential, clientSecret } = JSON.parse(made.text);
  const credentials = `/auth/v1/serviceCredentials/${credential.clientId}`;
  await call("POST", `${credentials}:issueToken`, { body: { clientSecret } });
  await call("GET", "/auth/v1/serviceCredentials", { headers });
  await call("DELETE", credentials, { headers });
  await call("GET", "/auth/v1/jwks");
  await call("POST", "/auth/v1/signingKeys:rotate", { headers });
  expect(uncalled()).toEqual([]);
  expect((await call("POST", "/auth/v1/sessions:login", { body: { email, password: "wrong" } })).status).toBe(401);
});

test("the page's examples are calls as they are written", async () => {
  const { accessToken } = await signIn();
  const answers = await runExamples(service.baseUrl, accessToken);
  expect(answers.length).toBeGreaterThan(10);
  for (const { example, text } of answers)
    expect(`${example} ${text}`).not.toMatch(
      /REQUEST_MALFORMED|REQUEST_INVALID|PATH_UNKNOWN|CREDENTIALS_MISSING|UNSUPPORTED/,
    );
});
