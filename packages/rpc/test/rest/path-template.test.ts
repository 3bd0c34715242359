import { expect, test } from "vitest";
import { parsePathTemplate } from "../../src/rest/path-template.ts";
import { createRestRouter } from "../../src/rest/rest-router.ts";

test.each([
  ["/v1/messages/{message_id}/{sub.subfield}", 4, ["message_id", "sub.subfield"], ""],
  ["/v1/{name=messages/*}", 3, ["name"], ""],
  ["/v1/{name=projects/*/messages/*}:undelete", 5, ["name"], "undelete"],
  ["/v1/{parent=shelves/*}/books/{book=**}", 5, ["parent", "book"], ""],
  ["/v1/**", 2, [], ""],
  ["/v1/*/x", 3, [], ""],
  ["/{name=**}:read", 1, ["name"], "read"],
  ["/v1/a%20b", 2, [], ""],
  ["/v1:check", 1, [], "check"],
])("%s is a template", (text, segments, variables, verb) => {
  const template = parsePathTemplate(text);
  expect(template.segments).toHaveLength(segments);
  expect(template.variables.map(({ path }) => path.join("."))).toEqual(variables);
  expect(template.verb).toBe(verb);
});

test.each([
  ["v1/a", `expected "/" at character 1`],
  ["", `expected "/" at character 1`],
  ["/", "expected a literal at character 2"],
  ["/v1/", "expected a literal at character 5"],
  ["/v1//a", "expected a literal at character 5"],
  ["/v1/{a", `expected "}" at character 7`],
  ["/v1/{}", "expected a field name at character 6"],
  ["/v1/{a.}", `expected "}" at character 7`],
  ["/v1/{1a}", "expected a field name at character 6"],
  ["/v1/{a={b}}", "a variable inside a variable at character 8"],
  ["/v1/{a=**}/b", "** must be the last segment, but there is more at character 12"],
  ["/v1/**/b", "** must be the last segment, but there is more at character 8"],
  ["/v1/{a}/{a}", "the same field twice, the second at character 11"],
  ["/v1/a:b:c", "unexpected character at character 8"],
  ["/v1/a:", "expected a literal at character 7"],
  ["/v1/a b", "unexpected character at character 6"],
  ["/v1/a{b}", "unexpected character at character 6"],
  ["/v1/%zz", "expected a literal at character 5"],
  ["/v1/%ff", "broken percent-encoding before at character 8"],
  ["/v1/a?b", "unexpected character at character 6"],
])("%s is none: %s", (text, problem) => {
  expect(() => parsePathTemplate(text)).toThrow(problem);
});

const router = (...targets: string[]) =>
  createRestRouter(
    targets.map((target) => {
      const [method = "", text = ""] = target.split(" ");
      return { method, template: parsePathTemplate(text), target };
    }),
  );

/** "METHOD template", then the variables; or what else the answer is. */
function matched(targets: readonly string[], method: string, path: string): string {
  const match = router(...targets).match(method, path);
  if (match.kind === "method") return `allow ${match.allowed.join(",")}`;
  if (match.kind !== "found") return match.kind;
  const values = [...match.values].map(([name, value]) => ` ${name.join(".")}=${value}`);
  return match.target.target + values.join("");
}

const all = [
  "GET /v1/users/{id}",
  "GET /v1/users/me",
  "POST /v1/users",
  "GET /v1/users",
  "POST /v1/users/{id}:erase",
  "GET /v1/{name=files/**}",
  "GET /v1/files/{id}/size",
  "GET /v1/{name=shelves/*/books/*}",
  "POST /v1/{name=shelves/*/books/*}:move",
  "DELETE /v1/{name=shelves/*}",
  "* /v1/any/{x}",
  "GET /v1/any/only",
  "GET /v1/{a.b}/sub/{c}",
  "POST /v1/log/{rest=**}:seal",
];

test.each([
  ["GET", "/v1/users/7", "GET /v1/users/{id} id=7"],
  ["GET", "/v1/users/me", "GET /v1/users/me"],
  ["GET", "/v1/users", "GET /v1/users"],
  ["POST", "/v1/users", "POST /v1/users"],
  ["PUT", "/v1/users", "allow GET,POST"],
  ["PUT", "/v1/users/me", "allow GET"],
  ["GET", "/v1/users/", "none"],
  ["GET", "/v1//7", "none"],
  ["GET", "/v2/users", "none"],
  ["GET", "/V1/users", "none"],
  ["GET", "/", "none"],
  ["GET", "", "malformed"],
  ["GET", "*", "malformed"],
  ["POST", "/v1/users/7:erase", "POST /v1/users/{id}:erase id=7"],
  ["POST", "/v1/users/a:b:erase", "POST /v1/users/{id}:erase id=a:b"],
  ["POST", "/v1/users/7%3Aerase", "allow GET"],
  ["POST", "/v1/users/:erase", "allow GET"],
  ["GET", "/v1/users/7:erase", "GET /v1/users/{id} id=7:erase"],
  ["POST", "/v1/users/7:other", "allow GET"],
  ["GET", "/v1/users/user:7", "GET /v1/users/{id} id=user:7"],
  ["GET", "/v1/users/a%2Fb", "GET /v1/users/{id} id=a/b"],
  ["GET", "/v1/users/a%20b+c", "GET /v1/users/{id} id=a b+c"],
  ["GET", "/v1/%75sers/me", "GET /v1/users/me"],
  ["GET", "/v1/users/%E2%82%AC", "GET /v1/users/{id} id=€"],
  ["GET", "/v1/users/%zz", "malformed"],
  ["GET", "/v1/users/%", "malformed"],
  ["GET", "/v1/users/%ff", "malformed"],
  ["GET", "/v1/users/__proto__", "GET /v1/users/{id} id=__proto__"],
  ["GET", "/v1/__proto__/x", "none"],
  ["GET", "/v1/files", "GET /v1/{name=files/**} name=files"],
  ["GET", "/v1/files/a", "GET /v1/{name=files/**} name=files/a"],
  ["GET", "/v1/files/a/b/c", "GET /v1/{name=files/**} name=files/a/b/c"],
  ["GET", "/v1/files/a%2Fb/%20c", "GET /v1/{name=files/**} name=files/a%2Fb/ c"],
  ["GET", "/v1/files/a/size", "GET /v1/files/{id}/size id=a"],
  ["GET", "/v1/files/a/size/b", "GET /v1/{name=files/**} name=files/a/size/b"],
  ["GET", "/v1/shelves/1/books/2", "GET /v1/{name=shelves/*/books/*} name=shelves/1/books/2"],
  ["POST", "/v1/shelves/1/books/2:move", "POST /v1/{name=shelves/*/books/*}:move name=shelves/1/books/2"],
  ["GET", "/v1/shelves/1/books", "none"],
  ["GET", "/v1/shelves/1", "allow DELETE"],
  ["PATCH", "/v1/any/thing", "* /v1/any/{x} x=thing"],
  ["GET", "/v1/any/only", "GET /v1/any/only"],
  ["POST", "/v1/any/only", "* /v1/any/{x} x=only"],
  ["GET", "/v1/x/sub/y", "GET /v1/{a.b}/sub/{c} a.b=x c=y"],
  ["POST", "/v1/log/a/b:seal", "POST /v1/log/{rest=**}:seal rest=a/b"],
  ["POST", "/v1/log/a%2fb/c%3Ad:seal", "POST /v1/log/{rest=**}:seal rest=a%2fb/c:d"],
])("%s %s leads to %s", (method, path, expected) => {
  expect(matched(all, method, path)).toBe(expected);
});

test.each([
  [["GET /v1/{a}", "GET /v1/{b}"]],
  [["GET /v1/{a}", "GET /v1/*"]],
  [["GET /v1/{a=**}", "GET /v1/**"]],
  [["POST /v1/x:y", "POST /v1/x:y"]],
])("%j cannot be told apart", (targets) => {
  expect(() => router(...targets)).toThrow("are the same path");
});
