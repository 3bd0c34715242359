import { expect, test } from "vitest";
import { compileHeaderFilter } from "./compile-headers.ts";

const filter = (name: string, value: string) =>
  compileHeaderFilter({ type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name, value }] } });

test.each([
  ["a line break", "a\r\nx-plinth-client-address: 127.0.0.1"],
  ["a line feed alone", "a\nb"],
  ["a null", "a\0b"],
  // U+010D and U+010A, cut to one octet, are CR and LF.
  ["characters whose last octets are CR and LF", "a\u010d\u010ab"],
])("a value with %s makes the rule invalid", (_, value) => {
  expect(filter("x-colour", value)).toMatchObject({ reason: "UnsupportedValue" });
});

test.each(["x colour", "x:colour", "", "x\r\ny"])("%j is not a header's name", (name) => {
  expect(filter(name, "blue")).toMatchObject({ reason: "UnsupportedValue" });
});

test("everything printable is set as it is written", () => {
  expect(filter("X-Colour", 'blue; "sky"\t~')).toEqual({
    requestHeaders: { set: [{ name: "x-colour", value: 'blue; "sky"\t~' }], add: [], remove: [] },
  });
});
