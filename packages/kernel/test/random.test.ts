import { expect, test } from "vitest";
import { formatUuidV7, systemRandom } from "../src/index.ts";

const ones = new Uint8Array(10).fill(0xff);
const zeros = new Uint8Array(10);

test("a UUID of version 7 has the layout of RFC 9562", () => {
  expect(formatUuidV7(0x0123456789ab, ones)).toBe("01234567-89ab-7fff-bfff-ffffffffffff");
  expect(formatUuidV7(0x0123456789ab, zeros)).toBe("01234567-89ab-7000-8000-000000000000");
});

test("the example of RFC 9562 appendix A.6 comes out", () => {
  // rand_a is 0xcc3 after four bits that the version replaces; the two highest bits of rand_b's first byte 0x18 are replaced by the variant.
  const random = Uint8Array.from(Buffer.from("0cc318c4dc0c0c07398f", "hex"));
  expect(formatUuidV7(1_645_557_742_000, random)).toBe("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
});

test("ids of later milliseconds sort after earlier ones, whatever the random part", () => {
  expect(formatUuidV7(1_700_000_000_001, zeros) > formatUuidV7(1_700_000_000_000, ones)).toBe(true);
});

test("the system's random makes distinct, well-formed ids", () => {
  const ids = Array.from({ length: 10_000 }, () => systemRandom.uuidv7(1_700_000_000_000));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id) => /^018bcfe5-6800-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true);
  expect(systemRandom.bytes(33)).toHaveLength(33);
});
