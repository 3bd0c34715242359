const newline = 0x0a;

/**
 * Lines of a stream of UTF-8 bytes, without their line breaks. What follows the last break is dropped: the stream was cut in
 * its middle. Throws what `tooLong` returns at a line beyond `bytesMax`.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  bytesMax: number,
  tooLong: () => Error,
): AsyncGenerator<string> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      pending.push(chunk.subarray(start, end));
      yield Buffer.concat(pending).toString("utf8");
      pending = [];
      pendingBytes = 0;
      start = end + 1;
    }
    if (start === chunk.byteLength) continue;
    pending.push(chunk.subarray(start));
    pendingBytes += chunk.byteLength - start;
    if (pendingBytes > bytesMax) throw tooLong();
  }
}
