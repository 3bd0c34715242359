import { createContextKey, ROOT_CONTEXT } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { withRequestId } from "../src/index.ts";
import { requestIdOf } from "../src/request-id.ts";

const colour = createContextKey("colour");
const size = createContextKey("size");

test("a context with a request id is a context like any other", () => {
  const base = ROOT_CONTEXT.setValue(colour, "red");
  const inner = withRequestId(base, "r-1");
  expect([requestIdOf(inner), inner.getValue(colour), inner.getValue(size)]).toEqual(["r-1", "red", undefined]);
  const changed = inner.setValue(colour, "blue").setValue(size, 3);
  expect([requestIdOf(changed), changed.getValue(colour), changed.getValue(size)]).toEqual(["r-1", "blue", 3]);
  expect(changed.deleteValue(colour).getValue(colour)).toBeUndefined();
  expect([inner.getValue(colour), requestIdOf(base)]).toEqual(["red", undefined]);
});
