import type { Writable } from "node:stream";

/** Heads with bodies up to this size leave as one piece. */
const packetBytesMax = 32 * 1024;

let scratch = Buffer.allocUnsafeSlow(packetBytesMax);

/**
 * Writes a head and the body after it as one piece, one system call. `body` may change after the call. False: wait for
 * "drain".
 */
export function writePacket(socket: Writable, head: string, body: Uint8Array | undefined): boolean {
  if (body === undefined || body.length === 0) return socket.write(head, "latin1");
  if (head.length + body.length > packetBytesMax) {
    socket.cork();
    socket.write(head, "latin1");
    const room = socket.write(Buffer.from(body));
    socket.uncork();
    return room;
  }
  const length = scratch.write(head, 0, "latin1");
  scratch.set(body, length);
  const room = socket.write(scratch.subarray(0, length + body.length));
  // Not all of it went out at once: these bytes are the socket's until they have.
  if (socket.writableLength > 0) scratch = Buffer.allocUnsafeSlow(packetBytesMax);
  return room;
}

/** One chunk of a chunked body, after `head` if there is one. */
export function writeChunk(socket: Writable, head: string, content: Uint8Array): boolean {
  const size = `${head}${content.length.toString(16)}\r\n`;
  if (size.length + content.length + 2 <= packetBytesMax) {
    const length = scratch.write(size, 0, "latin1");
    scratch.set(content, length);
    scratch.write("\r\n", length + content.length, "latin1");
    const room = socket.write(scratch.subarray(0, length + content.length + 2));
    if (socket.writableLength > 0) scratch = Buffer.allocUnsafeSlow(packetBytesMax);
    return room;
  }
  socket.cork();
  socket.write(size, "latin1");
  socket.write(Buffer.from(content));
  const room = socket.write("\r\n", "latin1");
  socket.uncork();
  return room;
}
