/** Whether the host names have a host in common; "" is any host, "*.example.com" any below example.com. */
export const intersects = (a: string, b: string): boolean => intersection(a, b) !== undefined;

/** The more specific one of two host names that have hosts in common. */
export function intersection(a: string, b: string): string | undefined {
  if (a === b || b === "") return a;
  if (a === "") return b;
  if (covers(a, b)) return b;
  return covers(b, a) ? a : undefined;
}

/** `pattern` is a wildcard for at least the one label that `host` (or its wildcard) has in its place. */
const covers = (pattern: string, host: string): boolean =>
  pattern.startsWith("*.") && host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1;
