import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** The values of a field of a protobuf message that have a length: bytes, texts and messages. */
export function fields(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === wanted && type === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(type, number);
  }
  return found;
}

/** The first of them as text; empty when there is none. */
export const textField = (message: Uint8Array, wanted: number): string =>
  Buffer.from(fields(message, wanted)[0] ?? []).toString("utf8");

/** The first of them in hexadecimal digits. */
export const hexField = (message: Uint8Array, wanted: number): string =>
  Buffer.from(fields(message, wanted)[0] ?? []).toString("hex");

/** The first of them as a message; empty when there is none. */
export const messageField = (message: Uint8Array, wanted: number): Uint8Array =>
  fields(message, wanted)[0] ?? new Uint8Array();

/** The value of a field of whole numbers; 0 when there is none, as protobuf means it. */
export function numberField(message: Uint8Array, wanted: number): number {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === wanted && type === WireType.Varint) return Number(reader.int64());
    reader.skip(type, number);
  }
  return 0;
}
