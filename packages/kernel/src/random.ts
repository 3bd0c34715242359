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

/** Builds a UUID version 7 from a time in milliseconds and ten random bytes. */
export function formatUuidV7(nowMs: number, random: Uint8Array): string {
  const time = Math.floor(nowMs).toString(16).padStart(12, "0");
  const hex = Buffer.from(random.buffer, random.byteOffset, random.byteLength).toString("hex");
  const variant = ((Number.parseInt(hex.slice(3, 5), 16) & 0x3f) | 0x80).toString(16).padStart(2, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-${variant}${hex.slice(5, 7)}-${hex.slice(7, 19)}`;
}
