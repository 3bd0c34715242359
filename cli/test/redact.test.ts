import { describe, expect, test } from "vitest";
import { createRedactor, redactYaml } from "../src/sysdump/redact.ts";

const password = "correct horse/battery+staple";

describe("a value that is known is taken out in whatever form", () => {
  const redactor = createRedactor();
  redactor.add(password);
  redactor.add("postgres://notes:p%40ss%20of-notes@db:5432/plinth");
  const bytes = Buffer.from(password);
  test.each([
    ["as it is", password],
    ["in a URL", encodeURIComponent(password)],
    ["in JSON", JSON.stringify({ a: password })],
    ["in base64", bytes.toString("base64")],
    ["in base64url", bytes.toString("base64url")],
    ["in hexadecimal", bytes.toString("hex")],
  ])("%s", (_, form) => {
    const text = redactor.text(`before ${form} after`);
    expect(text).toMatch(/^before .*REDACTED.* after$/);
    expect(text).not.toContain("staple");
    expect(text).not.toContain(bytes.toString("base64").slice(0, 20));
  });

  test("the password in a URL that is known, alone", () => {
    expect(redactor.text("it was p@ss of-notes then")).toBe("it was REDACTED then");
  });

  test("but no short word, which would take the sense from everything", () => {
    const short = createRedactor();
    short.add("plinth");
    expect(short.text("plinth runs")).toBe("plinth runs");
  });
});

describe("what looks like a secret is taken out although nobody knows it", () => {
  test.each([
    ["connects to postgres://notes:s3cr3t!@db/plinth now", "connects to postgres://notes:REDACTED@db/plinth now"],
    ["authorization: Bearer abcdefgh12345678", "authorization: Bearer REDACTED"],
    [`token eyJhbGciOiJFZERTQSJ9.${"eyJzdWIiOiJ4In0"}.c2lnbmF0dXJl!`, "token REDACTED!"],
    ["hash $argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g end", "hash REDACTED end"],
    ["hash $2b$12$abcdefghijklmnopqrstuvwxyz012345678901234567890123456 end", "hash REDACTED end"],
    ['{"newPassword":"hunter2222"}', '{"newPassword":"REDACTED"}'],
    ["PLINTH_AUTH_KEY_ENCRYPTION_KEY=AAAABBBBCCCC next", "PLINTH_AUTH_KEY_ENCRYPTION_KEY=REDACTED next"],
    ["client_secret = abcd1234", "client_secret = REDACTED"],
    ["-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY----- end", "REDACTED end"],
    ["-----BEGIN EC PRIVATE KEY-----\nMIGHcut off", "REDACTED"],
  ])("%s", (given, expected) => expect(createRedactor().text(given)).toBe(expected));

  test.each([
    "GET /plinth.identity.v1.IdentityService/GetUser 200 in 12 ms",
    "secretKeyRef:\n  name: plinth-auth",
    "http://127.0.0.1:8080/token",
    "password: a word too short",
  ])("and nothing else: %s", (text) => expect(createRedactor().text(text)).toBe(text));
});

describe("of objects", () => {
  const redactor = createRedactor();

  test("a Secret keeps the names of its entries", () => {
    const secret = {
      kind: "Secret",
      metadata: {
        name: "x",
        annotations: { "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"url":"c2VjcmV0"}}', kept: "yes" },
        managedFields: [{ manager: "kubectl" }],
      },
      data: { url: "c2VjcmV0dmFsdWU=", "ca.crt": "eA==" },
      stringData: { other: "plain-value" },
    };
    const text = redactor.object(secret);
    expect(text).toBe(
      [
        ...["kind: Secret", "metadata:", "  name: x", "  annotations:", "    kept: yes", "data:", "  url: REDACTED"],
        ...["  ca.crt: REDACTED", "stringData:", "  other: REDACTED", ""],
      ].join("\n"),
    );
  });

  test("variables and fields with telling names lose their value, references and public facts stay", () => {
    const manifest = [
      "spec:",
      "  env:",
      "    - { name: SMTP_PASSWORD, value: abc }",
      "    - { name: DATABASE_URL, value: x }",
      "    - { name: LOG_LEVEL, value: debug }",
      "    - { name: API_KEY, valueFrom: { secretKeyRef: { name: api, key: key } } }",
      "  tokenIssuer: https://api.example.com",
      "  accessToken: abc",
    ].join("\n");
    const text = redactYaml(manifest, redactor);
    expect(text).not.toContain("abc");
    expect(text.match(/value: REDACTED/g)).toHaveLength(2);
    for (const kept of ["value: debug", "name: api", "tokenIssuer: https://api.example.com"])
      expect(text).toContain(kept);
  });

  test("YAML that is none loses what looks like a secret", () => {
    expect(redactYaml("a: [\npassword: hunter2222", redactor)).toBe("a: [\npassword: REDACTED");
  });
});
