import { Buffer } from "node:buffer";

/** One entry of an archive. A folder has no content. */
export interface TarEntry {
  /** Relative, with "/"; a folder's ends with it. */
  name: string;
  /** Permission bits. */
  mode: number;
  mtimeMs: number;
  sizeBytes: number;
  /** Exactly `sizeBytes` of it are written: more is cut, less is filled with zeros (a file that changes meanwhile). */
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

const block = 512;
const nameMaxBytes = 100;
const prefixMaxBytes = 155;
/** Eleven octal digits. */
const entryMaxBytes = 8 ** 11 - 1;

/** A text as an entry that only its owner may read. */
export function textEntry(name: string, text: string, mtimeMs: number, mode = 0o600): TarEntry {
  const bytes = Buffer.from(text, "utf8");
  return { name, mode, mtimeMs, sizeBytes: bytes.length, content: [bytes] };
}

/** Writes POSIX ustar (IEEE 1003.1, pax), which every tar reads. */
export async function* writeTar(entries: AsyncIterable<TarEntry> | Iterable<TarEntry>): AsyncGenerator<Buffer> {
  for await (const entry of entries) {
    yield header(entry);
    let left = entry.sizeBytes;
    for await (const chunk of entry.content) {
      if (left === 0) break;
      const part = Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.byteLength, left));
      left -= part.length;
      yield part;
    }
    for (; left > 0; left -= Math.min(left, block)) yield Buffer.alloc(Math.min(left, block));
    yield Buffer.alloc(paddingOf(entry.sizeBytes));
  }
  yield Buffer.alloc(2 * block);
}

const paddingOf = (sizeBytes: number): number => (block - (sizeBytes % block)) % block;

function header({ name, mode, mtimeMs, sizeBytes }: TarEntry): Buffer {
  if (sizeBytes > entryMaxBytes) throw new Error(`${name} is too large for an archive: ${sizeBytes} bytes`);
  const [prefix, last] = split(name);
  const bytes = Buffer.alloc(block);
  bytes.write(last, 0, "utf8");
  bytes.write(octal(mode, 7), 100);
  bytes.write(octal(0, 7), 108);
  bytes.write(octal(0, 7), 116);
  bytes.write(octal(sizeBytes, 11), 124);
  bytes.write(octal(Math.max(0, Math.floor(mtimeMs / 1_000)), 11), 136);
  bytes.write(name.endsWith("/") ? "5" : "0", 156);
  bytes.write("ustar\u000000", 257, "latin1");
  bytes.write(prefix, 345, "utf8");
  bytes.write(`${octal(checksum(bytes), 6)}\0 `, 148, "latin1");
  return bytes;
}

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");

/** The sum of all bytes, with spaces where the sum itself stands. */
const checksum = (bytes: Buffer): number =>
  bytes.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);

function split(name: string): [prefix: string, last: string] {
  if (Buffer.byteLength(name) <= nameMaxBytes) return ["", name];
  for (let at = name.indexOf("/"); at > 0 && at < name.length - 1; at = name.indexOf("/", at + 1)) {
    const [prefix, last] = [name.slice(0, at), name.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= prefixMaxBytes && Buffer.byteLength(last) <= nameMaxBytes) return [prefix, last];
  }
  throw new Error(`the name is too long for an archive: ${name}`);
}

/** An entry as it is read. Its content must be read to its end before the next entry is asked for. */
export interface ReadEntry {
  name: string;
  isFolder: boolean;
  mode: number;
  sizeBytes: number;
  content(): AsyncGenerator<Buffer>;
}

const pieceMaxBytes = 64 * 1024;

/** Reads what writeTar wrote. Throws for anything else, and for an archive that ends early. */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<ReadEntry> {
  const take = taker(source);
  for (;;) {
    const head = await take(block);
    if (head.every((byte) => byte === 0)) return;
    const entry = readHeader(head);
    let left = entry.sizeBytes;
    async function* content(): AsyncGenerator<Buffer> {
      while (left > 0) {
        const piece = await take(Math.min(left, pieceMaxBytes));
        left -= piece.length;
        yield piece;
      }
    }
    yield { ...entry, content };
    if (left > 0) throw new Error(`${entry.name} was not read to its end`);
    await take(paddingOf(entry.sizeBytes));
  }
}

function readHeader(head: Buffer): Omit<ReadEntry, "content"> {
  const text = (from: number, length: number): string =>
    head.toString("utf8", from, from + length).split("\0", 1)[0] ?? "";
  const number = (from: number, length: number): number => Number.parseInt(text(from, length).trim() || "0", 8);
  if (text(257, 5) !== "ustar" || number(148, 8) !== checksum(head)) throw new Error("it is no ustar archive");
  const [prefix, last] = [text(345, prefixMaxBytes), text(0, nameMaxBytes)];
  return {
    name: prefix ? `${prefix}/${last}` : last,
    isFolder: text(156, 1) === "5",
    mode: number(100, 8),
    sizeBytes: number(124, 12),
  };
}

/** Hands out a stream in pieces of the size asked for. */
function taker(source: AsyncIterable<Uint8Array>): (bytes: number) => Promise<Buffer> {
  const chunks = source[Symbol.asyncIterator]();
  let rest = Buffer.alloc(0);
  return async (bytes) => {
    const parts = [rest];
    let have = rest.length;
    while (have < bytes) {
      const { value, done } = await chunks.next();
      if (done) throw new Error("the archive ends early: it was not copied whole");
      parts.push(Buffer.from(value));
      have += value.byteLength;
    }
    const all = parts.length === 1 ? rest : Buffer.concat(parts);
    rest = all.subarray(bytes);
    return all.subarray(0, bytes);
  };
}
