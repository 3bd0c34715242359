/** Items ordered by the time they are due; a binary heap. */
export interface DelayHeap<T> {
  push(item: T, dueAtMs: number): void;
  /** When the next item is due; undefined when there is none. */
  nextDueAtMs(): number | undefined;
  /** Takes out the next item that is due by `nowMs`. */
  takeDue(nowMs: number): T | undefined;
  /** Drops the items that nobody waits for any more. */
  retain(wanted: (item: T, dueAtMs: number) => boolean): void;
  readonly size: number;
}

export function createDelayHeap<T>(): DelayHeap<T> {
  const heap: { item: T; dueAtMs: number }[] = [];
  const due = (index: number): number => heap[index]?.dueAtMs ?? Number.POSITIVE_INFINITY;

  function swap(a: number, b: number): void {
    const [first, second] = [heap[a], heap[b]];
    if (!first || !second) return;
    heap[a] = second;
    heap[b] = first;
  }

  function rise(index: number): void {
    for (let child = index; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (due(parent) <= due(child)) return;
      swap(parent, child);
      child = parent;
    }
  }

  function sink(): void {
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      const smaller = due(left + 1) < due(left) ? left + 1 : left;
      if (due(smaller) >= due(parent)) return;
      swap(parent, smaller);
      parent = smaller;
    }
  }

  function push(item: T, dueAtMs: number): void {
    heap.push({ item, dueAtMs });
    rise(heap.length - 1);
  }

  return {
    push,
    nextDueAtMs: () => heap[0]?.dueAtMs,
    takeDue(nowMs) {
      const first = heap[0];
      if (!first || first.dueAtMs > nowMs) return undefined;
      swap(0, heap.length - 1);
      heap.pop();
      sink();
      return first.item;
    },
    retain(wanted) {
      for (const entry of heap.splice(0)) if (wanted(entry.item, entry.dueAtMs)) push(entry.item, entry.dueAtMs);
    },
    get size() {
      return heap.length;
    },
  };
}
