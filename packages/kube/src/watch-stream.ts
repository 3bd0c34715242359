import { Fault, readLines } from "@plinth/kernel";
import { type ApiStatus, apiFault } from "./api-fault.ts";
import type { KubeObject } from "./resource.ts";

export type WatchEvent<T extends KubeObject = KubeObject> =
  | { type: "ADDED" | "MODIFIED" | "DELETED"; object: T }
  /** Nothing changed up to this version. */
  | { type: "BOOKMARK"; resourceVersion: string };

/** etcd refuses objects above 1.5 MiB; JSON is at most a few times that. */
const lineBytesMax = 16 * 1024 * 1024;

/**
 * Events of a watch: one JSON document a line. An ERROR event, a line that is no event and a line beyond the limit throw a
 * Fault. What follows the last line break is dropped: the connection was cut in its middle, and the watch is resumed before it.
 */
export async function* readWatchEvents<T extends KubeObject>(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<WatchEvent<T>> {
  const tooLong = () => unreadable(`a line is longer than ${lineBytesMax} bytes`);
  for await (const line of readLines(chunks, lineBytesMax, tooLong)) if (line.trim() !== "") yield parseEvent<T>(line);
}

function parseEvent<T extends KubeObject>(line: string): WatchEvent<T> {
  let event: { type?: unknown; object?: T & ApiStatus };
  try {
    event = JSON.parse(line);
  } catch (cause) {
    throw unreadable("a line is not JSON", cause);
  }
  const { type, object } = event ?? {};
  if (type === "ERROR") throw apiFault(object?.code ?? 500, object);
  if (typeof object !== "object" || object === null) throw unreadable("an event has no object");
  const resourceVersion = object.metadata?.resourceVersion;
  if (!resourceVersion) throw unreadable("an event's object has no resourceVersion");
  if (type === "BOOKMARK") return { type, resourceVersion };
  if (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED") throw unreadable("an event has an unknown type");
  if (!object.metadata.name) throw unreadable("an event's object has no name");
  return { type, object };
}

const unreadable = (why: string, cause?: unknown): Fault =>
  new Fault({ code: "internal", reason: "WATCH_UNREADABLE", message: `the watch cannot be read: ${why}`, cause });
