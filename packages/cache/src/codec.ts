import type { Codec } from "./cache.ts";

/** Bytes as they are. */
export const bytesCodec: Codec<Uint8Array | undefined> = { encode: (value) => value, decode: (bytes) => bytes };

/** JSON, checked when it is read: what another version of a service wrote is none of ours unless it looks like it. */
export function jsonCodec<V>(isValue: (value: unknown) => value is V): Codec<V> {
  return {
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode(bytes) {
      const value: unknown = JSON.parse(Buffer.from(bytes).toString());
      if (!isValue(value)) throw new Error("the cached JSON does not have the expected form");
      return value;
    },
  };
}
