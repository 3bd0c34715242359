import type { Readable } from "node:stream";
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";

/** Messages as the Connect conformance suite sends them over pipes: a length of four bytes, big endian, then the bytes. */
export async function* readMessages<D extends DescMessage>(
  schema: D,
  input: Readable,
): AsyncGenerator<MessageShape<D>> {
  let rest = Buffer.alloc(0);
  for await (const chunk of input) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
      const end = 4 + rest.readUInt32BE(0);
      yield fromBinary(schema, rest.subarray(4, end));
      rest = rest.subarray(end);
    }
  }
}

export function frameMessage<D extends DescMessage>(schema: D, init: MessageInitShape<D>): Buffer {
  const bytes = toBinary(schema, create(schema, init));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
}
