import { parseDurationMs } from "@plinth/kernel";

/** Walks one unvalidated object and collects what is wrong, each with its field path. Never throws. */
export class FieldReader {
  readonly problems: { field: string; message: string }[] = [];

  report(field: string, message: string): void {
    this.problems.push({ field, message });
  }

  record(value: unknown, field: string): Record<string, unknown> | undefined {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    this.report(field, "must be an object");
    return undefined;
  }

  text(value: unknown, field: string): string | undefined {
    if (typeof value === "string" && value !== "") return value;
    this.report(field, "must be a non-empty string");
    return undefined;
  }

  texts(value: unknown, field: string, fallback: readonly string[]): readonly string[] {
    if (value === undefined) return fallback;
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value as string[];
    this.report(field, "must be a list of strings");
    return fallback;
  }

  oneOf<const V extends string>(value: unknown, field: string, values: readonly V[], fallback: V): V {
    if (value === undefined) return fallback;
    if ((values as readonly unknown[]).includes(value)) return value as V;
    this.report(field, `must be one of ${values.join(", ")}`);
    return fallback;
  }

  flag(value: unknown, field: string, fallback: boolean): boolean {
    if (value === undefined) return fallback;
    if (typeof value === "boolean") return value;
    this.report(field, "must be true or false");
    return fallback;
  }

  count(value: unknown, field: string, limits: { fallback: number; min: number; max: number }): number {
    if (value === undefined) return limits.fallback;
    if (Number.isInteger(value) && (value as number) >= limits.min && (value as number) <= limits.max)
      return value as number;
    this.report(field, `must be a whole number from ${limits.min} to ${limits.max}`);
    return limits.fallback;
  }

  durationMs(value: unknown, field: string, limits: { fallback: number; min: number; max: number }): number {
    if (value === undefined) return limits.fallback;
    try {
      const ms = parseDurationMs(String(value));
      if (ms >= limits.min && ms <= limits.max) return ms;
      this.report(field, `must be from ${limits.min} ms to ${limits.max} ms`);
    } catch (err) {
      this.report(field, (err as Error).message);
    }
    return limits.fallback;
  }
}
