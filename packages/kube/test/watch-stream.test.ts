import fc from "fast-check";
import { expect, test } from "vitest";
import { readWatchEvents, type WatchEvent } from "../src/watch-stream.ts";
import { note } from "./test-client.ts";

async function* chunksOf(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

async function read(text: string, cuts: readonly number[] = []): Promise<WatchEvent[]> {
  const bytes = Buffer.from(text);
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const pieces = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
  const events: WatchEvent[] = [];
  for await (const event of readWatchEvents(chunksOf(pieces))) events.push(event);
  return events;
}

const line = (event: unknown): string => `${JSON.stringify(event)}\n`;
const added = { type: "ADDED" as const, object: note("ä-€-😀", 5) };

test("events are the same however the bytes are cut", async () => {
  const text = line(added) + line({ type: "BOOKMARK", object: { metadata: { resourceVersion: "9" } } }) + line(added);
  const expected = [added, { type: "BOOKMARK", resourceVersion: "9" }, added];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { maxLength: 20 }), async (cuts) => {
      expect(await read(text, cuts)).toEqual(expected);
    }),
  );
});

test("half a line at the end is dropped", async () => {
  expect(await read(line(added) + line(added).slice(0, 20))).toEqual([added]);
});

test.each([
  ["no JSON", "{oops}\n", "not JSON"],
  ["null", "null\n", "has no object"],
  ["no object", line({ type: "ADDED" }), "has no object"],
  ["no version", line({ type: "ADDED", object: { metadata: { name: "a" } } }), "has no resourceVersion"],
  ["no name", line({ type: "ADDED", object: { metadata: { resourceVersion: "1" } } }), "has no name"],
  ["an unknown type", line({ type: "NEWS", object: added.object }), "unknown type"],
])("a line with %s is a fault", async (_, text, message) => {
  await expect(read(text)).rejects.toThrow(message);
});

test("an ERROR event is the fault it describes", async () => {
  const object = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
  const expected = { reason: "EXPIRED", details: { status: "410" } };
  await expect(read(line({ type: "ERROR", object }))).rejects.toMatchObject(expected);
});

test("a line without end is a fault, not a full memory", async () => {
  const piece = Buffer.alloc(1024 * 1024, "x");
  const endless = chunksOf(Array.from({ length: 20 }, () => piece));
  const reading = (async () => {
    for await (const _ of readWatchEvents(endless));
  })();
  await expect(reading).rejects.toThrow("longer than");
});
