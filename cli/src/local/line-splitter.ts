import { StringDecoder } from "node:string_decoder";

// A line beyond this is cut: a service that never ends its line must not fill memory.
const lineMaxLength = 65_536;

/** Cuts a stream of bytes into lines; `rest` gives what came after the last line end. */
export function createLineSplitter(): { lines(chunk: Buffer): string[]; rest(): string[] } {
  const decoder = new StringDecoder("utf8");
  let pending = "";
  return {
    lines(chunk) {
      const parts = (pending + decoder.write(chunk)).split("\n");
      pending = (parts.pop() ?? "").slice(0, lineMaxLength);
      return parts.map((part) => part.replace(/\r$/, "").slice(0, lineMaxLength));
    },
    rest() {
      const last = pending + decoder.end();
      pending = "";
      return last === "" ? [] : [last];
    },
  };
}
