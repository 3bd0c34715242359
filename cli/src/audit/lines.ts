/** The lines of a file that comes in pieces, without their ends. A line is bounded, so that no file fills the memory. */
export async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of pieces) {
    const parts = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    if (rest.length > lineCharsMax) throw new Error(`a line has more than ${lineCharsMax} characters`);
    yield* parts;
  }
  if (rest !== "") yield rest;
}

const lineCharsMax = 16 * 1024 * 1024;
