import { formatUuidV7, type Random } from "@plinth/kernel";

/** The same numbers for the same seed (mulberry32). For tests only: not fit for secrets. */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => Math.floor(next() * 256));
  return { bytes, fraction: next, uuidv7: (nowMs) => formatUuidV7(nowMs, bytes(10)) };
}
