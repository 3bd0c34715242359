/** urgent: someone waits for it. normal: something changed. background: initial list and periodic resync. */
export type Priority = "urgent" | "normal" | "background";

const order = ["urgent", "normal", "background"] as const satisfies readonly Priority[];

export const higherPriority = (a: Priority, b: Priority): Priority => (order.indexOf(a) <= order.indexOf(b) ? a : b);

/** Keys that may be worked on now: by priority, first come first served within one. */
export interface ReadyList {
  add(key: string, priority: Priority): void;
  remove(key: string, priority: Priority): void;
  take(): string | undefined;
  readonly size: number;
}

export function createReadyList(): ReadyList {
  // A Set keeps insertion order and removes in constant time.
  const levels = new Map<Priority, Set<string>>(order.map((priority) => [priority, new Set()]));
  return {
    add: (key, priority) => void levels.get(priority)?.add(key),
    remove: (key, priority) => void levels.get(priority)?.delete(key),
    take() {
      for (const level of levels.values()) {
        for (const key of level) {
          level.delete(key);
          return key;
        }
      }
      return undefined;
    },
    get size() {
      return [...levels.values()].reduce((sum, level) => sum + level.size, 0);
    },
  };
}
