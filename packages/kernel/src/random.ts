import { randomBytes, randomFillSync } from "node:crypto";

/** Source of randomness. Injected, so that a seed reproduces a failing test. */
export interface Random {
  bytes(length: number): Uint8Array;
  /** UUID version 7 (RFC 9562 section 5.7): sorts by creation time. */
  uuidv7(nowMs: number): string;
  /** A number in [0, 1). Not for secrets. */
  fraction(): number;
}

export const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  uuidv7: (nowMs) => formatUuidV7(nowMs, idBytes()),
  fraction: () => Math.random(),
};

const idLength = 10;
/** Drawn hundreds of ids at a time: asking the system costs more than all the rest of an id. */
const drawn = Buffer.alloc(idLength * 400);
let used = drawn.length;

function idBytes(): Buffer {
  if (used === drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  used += idLength;
  return drawn.subarray(used - idLength, used);
}

const digits = Buffer.from("0123456789abcdef");
/** Both are written over by every id: putting it together from pieces of strings costs four times as much. */
const bytes = Buffer.alloc(16);
const text = Buffer.from("00000000-0000-0000-0000-000000000000");

/** Builds a UUID version 7 from a time in milliseconds and ten random bytes, six bits of which give way to version and variant. */
export function formatUuidV7(nowMs: number, random: Uint8Array): string {
  bytes.writeUIntBE(Math.floor(nowMs), 0, 6);
  bytes.set(random, 6);
  bytes[6] = 0x70 | ((bytes[6] as number) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f);
  let at = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] as number;
    if (text[at] === dash) at++;
    text[at++] = digits[byte >>> 4] as number;
    text[at++] = digits[byte & 0xf] as number;
  }
  return text.toString("latin1");
}

const dash = 0x2d;
