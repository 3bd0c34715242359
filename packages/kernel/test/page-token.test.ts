import { expect, test } from "vitest";
import { decodePageToken, encodePageToken, uuidForm } from "../src/index.ts";

const id = "01920000-0000-7000-8000-000000000001";

test("a page token returns its position for the same list", () => {
  expect(decodePageToken({ state: "active" }, encodePageToken({ state: "active" }, id), uuidForm)).toBe(id);
  expect(decodePageToken("any", "", uuidForm)).toBeUndefined();
});

test.each([
  ["another list", encodePageToken({ state: "disabled" }, id)],
  ["a position of another form", encodePageToken({ state: "active" }, "1 OR 1=1")],
  ["nonsense", "nonsense"],
  ["a cut token", encodePageToken({ state: "active" }, id).slice(0, -4)],
])("refuses a token of %s", (_, token) => {
  expect(() => decodePageToken({ state: "active" }, token, uuidForm)).toThrow("next_page_token");
});
