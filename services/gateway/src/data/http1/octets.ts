/** A set of octets as a table: 1 where an octet belongs to it. */
function octets(...ranges: readonly (readonly [from: number, to: number])[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const [from, to] of ranges) table.fill(1, from, to + 1);
  return table;
}

const listed = (text: string): [number, number][] =>
  [...text].map((char) => [char.charCodeAt(0), char.charCodeAt(0)] as [number, number]);

/** `tchar` (RFC 9110 section 5.6.2): methods and field names. */
export const isTokenOctet: Uint8Array = octets([0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a], ...listed("!#$%&'*+-.^_`|~"));

/** Field values (RFC 9110 section 5.5): visible, space, tab, and obs-text; neither CR, LF nor NUL. */
export const isValueOctet: Uint8Array = octets([0x09, 0x09], [0x20, 0x7e], [0x80, 0xff]);

/** A request target: visible ASCII; what it says is judged later. */
export const isTargetOctet: Uint8Array = octets([0x21, 0x7e]);

/** Value of a hexadecimal digit, or -1. */
export function hexDigit(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
