/**
 * The JSON shape of a client-node model: times are strings, and names that client-node escaped (`_from`) are themselves.
 * Our client hands out parsed JSON as it is, which is what makes ten thousand objects affordable.
 */
export type Wire<T> =
  IsAny<T> extends true
    ? unknown
    : T extends Date
      ? string
      : T extends readonly (infer Item)[]
        ? Wire<Item>[]
        : T extends object
          ? { [K in keyof T as WireName<K>]: Wire<T[K]> }
          : T;

type IsAny<T> = 0 extends 1 & T ? true : false;
type WireName<K> = K extends `_${infer Name}` ? Name : K;
