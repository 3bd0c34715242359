import { expect, test } from "vitest";
import { Fault, isFault, unreachable } from "../src/index.ts";

test("a fault tells callers one thing and keeps the cause for the log", () => {
  const cause = new Error("duplicate key value violates unique constraint users_email_key");
  const fault = new Fault({
    code: "already_exists",
    reason: "EMAIL_TAKEN",
    message: "this e-mail address is in use",
    details: { field: "email" },
    retryAfterMs: 10,
    cause,
  });
  expect(fault).toBeInstanceOf(Error);
  expect(fault).toMatchObject({
    name: "Fault",
    code: "already_exists",
    reason: "EMAIL_TAKEN",
    message: "this e-mail address is in use",
    details: { field: "email" },
    retryAfterMs: 10,
  });
  expect(fault.cause).toBe(cause);
});

test("what is not given is empty, not missing", () => {
  const fault = new Fault({ code: "not_found", reason: "X", message: "x" });
  expect(fault.details).toEqual({});
  expect(fault.retryAfterMs).toBeUndefined();
  expect("cause" in fault).toBe(false);
});

test("only faults are faults", () => {
  expect(isFault(new Fault({ code: "internal", reason: "X", message: "x" }))).toBe(true);
  expect(isFault(new Error("x"))).toBe(false);
  expect(isFault({ code: "internal", reason: "X", message: "x" })).toBe(false);
  expect(isFault(undefined)).toBe(false);
});

test("a case that the types rule out says what arrived", () => {
  expect(() => unreachable("purple" as never)).toThrow('unreachable: "purple"');
});
