import { expect, test } from "vitest";
import { createLogger, Fault, type LogLevel, serializeError, silentLogger } from "../src/index.ts";

function recorded(level: LogLevel = "debug") {
  const lines: string[] = [];
  const logger = createLogger({ service: "notes", level, write: (line) => void lines.push(line) });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? "{}") as Record<string, unknown> };
}

test("a line is one JSON object with level name, ISO time, service, fields and message", () => {
  const { logger, lines, last } = recorded();
  logger.info({ rows: 3 }, "stored");
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^\{[^\n]*\}\n$/);
  expect(last()).toEqual({
    level: "info",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    service: "notes",
    rows: 3,
    msg: "stored",
  });
});

test("lines below the level are not written", () => {
  const { logger, lines } = recorded("warn");
  logger.debug({}, "a");
  logger.info({}, "b");
  logger.warn({}, "c");
  logger.error({}, "d");
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(["c", "d"]);
});

test("a child adds its fields to every line, also to those of its own children", () => {
  const { logger, last } = recorded();
  logger.child({ instance: "a-1" }).child({ request_id: "r" }).info({}, "x");
  expect(last()).toMatchObject({ service: "notes", instance: "a-1", request_id: "r" });
});

test("an error is logged with its whole cause chain", () => {
  const { logger, last } = recorded();
  const root = Object.assign(new Error("connection refused"), { code: "ECONNREFUSED" });
  const fault = new Fault({ code: "unavailable", reason: "DATABASE_UNAVAILABLE", message: "try again", cause: root });
  logger.error({ err: new TypeError("no answer", { cause: fault }) }, "call failed");
  expect(last()["err"]).toMatchObject({
    type: "TypeError",
    message: "no answer",
    stack: expect.stringContaining("logger.test.ts"),
    cause: {
      type: "Fault",
      code: "unavailable",
      reason: "DATABASE_UNAVAILABLE",
      cause: { type: "Error", message: "connection refused", code: "ECONNREFUSED" },
    },
  });
});

test("a chain of causes without end is cut", () => {
  const err = new Error("loop");
  err.cause = err;
  const depth = (value: unknown): number =>
    value !== null && typeof value === "object" && "cause" in value ? 1 + depth(value.cause) : 1;
  expect(depth(serializeError(err))).toBe(9);
});

test("something thrown that is no error is logged as it is", () => {
  const { logger, last } = recorded();
  logger.error({ err: "a string" }, "call failed");
  expect(last()["err"]).toBe("a string");
});

test.each(["password", "token", "secret", "authorization"])("a field named %s does not reach the log", (name) => {
  const { logger, lines, last } = recorded();
  const value = "hunter2";
  logger.info({ [name]: value, rows: 3 }, "at the top");
  expect(last()).toMatchObject({ [name]: "[Redacted]", rows: 3 });
  const err = new Error("refused");
  logger.info({ request: { [name]: value, id: 7 }, err }, "one level below");
  expect(last()).toMatchObject({ request: { [name]: "[Redacted]", id: 7 }, err: { message: "refused" } });
  expect(lines.join("")).not.toContain(value);
});

test("what the caller logs is not changed by that", () => {
  const fields = { request: { token: "hunter2" } };
  recorded().logger.info(fields, "x");
  expect(fields).toEqual({ request: { token: "hunter2" } });
});

test("the silent logger takes everything and has children", () => {
  expect(() => silentLogger.child({ a: 1 }).error({ err: new Error("x") }, "x")).not.toThrow();
});
