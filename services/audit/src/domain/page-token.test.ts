import { expect, test } from "vitest";
import { decodePageToken, encodePageToken } from "./page-token.ts";

test("a page token returns its position", () => {
  expect(decodePageToken(encodePageToken(9_007_199_254_740_993n))).toBe(9_007_199_254_740_993n);
  expect(decodePageToken("")).toBeUndefined();
});

test.each(["x", "MTo", Buffer.from("1:1 OR 1=1").toString("base64url"), Buffer.from("2:5").toString("base64url")])(
  "refuses %s",
  (token) => {
    expect(() => decodePageToken(token)).toThrow("next_page_token");
  },
);
