import { expect, it } from "vitest";
import { changeHeaders } from "./change-headers.ts";

const changed = (list: string[], changes: object): string[] => {
  changeHeaders(list, { set: [], add: [], remove: [], ...changes });
  return list;
};

it("replaces every value that is set, appends what is added, drops what is removed", () => {
  expect(changed(["a", "1", "b", "2", "a", "3"], { set: [{ name: "a", value: "4" }] })).toEqual(["b", "2", "a", "4"]);
  expect(changed(["a", "1"], { add: [{ name: "a", value: "2" }] })).toEqual(["a", "1,2"]);
  expect(changed([], { add: [{ name: "a", value: "2" }] })).toEqual(["a", "2"]);
  expect(changed(["a", "1", "b", "2", "a", "3"], { remove: ["a", "c"] })).toEqual(["b", "2"]);
});

it("never joins cookies, which are no list", () => {
  const list = changed(["set-cookie", "a=1"], { add: [{ name: "set-cookie", value: "b=2" }] });
  expect(list).toEqual(["set-cookie", "a=1", "set-cookie", "b=2"]);
});
