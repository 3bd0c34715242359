import { readFileSync } from "node:fs";

/** Where configuration comes from: usually `process.env`. */
export type ConfigSource = Record<string, string | undefined>;

/** One configuration key: its name, meaning, default and how its text becomes a value. */
export interface ConfigKey<T> {
  env: string;
  doc: string;
  /** Absent: the key is required. */
  fallback?: T;
  secret: boolean;
  parse(text: string): T;
}

type KeyOptions<T> = { default?: T; secret?: boolean };

function key<T>(env: string, doc: string, options: KeyOptions<T>, parse: (text: string) => T): ConfigKey<T> {
  const base = { env, doc, secret: options.secret ?? false, parse };
  return "default" in options ? { ...base, fallback: options.default as T } : base;
}

export const text = (env: string, doc: string, options: KeyOptions<string> = {}): ConfigKey<string> =>
  key(env, doc, options, (value) => value);

/** A secret; also read from the file that `${env}_FILE` names. Shown as "(secret)" wherever configuration is printed. */
export const secret = (env: string, doc: string, options: { default?: string } = {}): ConfigKey<string> =>
  key(env, doc, { ...options, secret: true }, (value) => value);

/** A secret of 32 random bytes in base64, as AES-256 wants it. */
export const encryptionKey = (env: string, doc: string): ConfigKey<Buffer> =>
  key(env, doc, { secret: true }, parseEncryptionKey);

export const optionalEncryptionKey = (env: string, doc: string): ConfigKey<Buffer | undefined> =>
  key<Buffer | undefined>(env, doc, { default: undefined, secret: true }, parseEncryptionKey);

function parseEncryptionKey(value: string): Buffer {
  const bytes = Buffer.from(value, "base64");
  if (bytes.length === 32) return bytes;
  throw new Error("must be 32 bytes in base64: make one with `openssl rand -base64 32`");
}

export const optionalText = (env: string, doc: string): ConfigKey<string | undefined> =>
  key<string | undefined>(env, doc, { default: undefined }, (value) => value);

export const integer = (
  env: string,
  doc: string,
  options: KeyOptions<number> & { min?: number; max?: number } = {},
): ConfigKey<number> =>
  key(env, doc, options, (value) => {
    const number = Number(value);
    const { min = 0, max = Number.MAX_SAFE_INTEGER } = options;
    if (!Number.isInteger(number) || number < min || number > max)
      throw new Error(`must be a whole number from ${min} to ${max}`);
    return number;
  });

export const bool = (env: string, doc: string, options: KeyOptions<boolean> = {}): ConfigKey<boolean> =>
  key(env, doc, options, (value) => {
    if (value === "true" || value === "1") return true;
    if (value === "false" || value === "0") return false;
    throw new Error('must be "true" or "false"');
  });

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads "250ms", "10s", "5m", "1h" or "30d" as milliseconds. */
export function parseDurationMs(value: string): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(value);
  if (!match) throw new Error("must be a duration such as 250ms, 10s, 5m, 1h or 30d");
  return Number(match[1]) * (unitMs[match[2] as string] as number);
}

export const durationMs = (
  env: string,
  doc: string,
  options: { default?: string; min?: string } = {},
): ConfigKey<number> =>
  key(env, doc, options.default === undefined ? {} : { default: parseDurationMs(options.default) }, (value) => {
    const ms = parseDurationMs(value);
    if (options.min !== undefined && ms < parseDurationMs(options.min))
      throw new Error(`must be at least ${options.min}`);
    return ms;
  });

export const oneOf = <const V extends string>(
  env: string,
  doc: string,
  values: readonly V[],
  options: KeyOptions<V> = {},
): ConfigKey<V> =>
  key(env, doc, options, (value) => {
    if (!(values as readonly string[]).includes(value)) throw new Error(`must be one of ${values.join(", ")}`);
    return value as V;
  });

/** Comma-separated values; empty parts are dropped. */
export const list = (env: string, doc: string, options: KeyOptions<string[]> = {}): ConfigKey<string[]> =>
  key(env, doc, options, splitList);

/** Comma-separated values, each of them one of a few. */
export const someOf = <const V extends string>(
  env: string,
  doc: string,
  values: readonly V[],
  options: KeyOptions<V[]> = {},
): ConfigKey<V[]> =>
  key(env, doc, options, (value) => {
    const parts = splitList(value);
    const unknown = parts.find((part) => !(values as readonly string[]).includes(part));
    if (unknown !== undefined) throw new Error(`must be some of ${values.join(", ")}`);
    return parts as V[];
  });

/** Comma-separated name=value; values are percent-decoded, as the W3C's baggage and OpenTelemetry's resources want it. */
export const pairs = (
  env: string,
  doc: string,
  options: KeyOptions<Record<string, string>> = {},
): ConfigKey<Record<string, string>> =>
  key(env, doc, options, (value) =>
    Object.fromEntries(
      splitList(value).map((part) => {
        const [name = "", ...rest] = part.split("=");
        if (name === "" || rest.length === 0) throw new Error("must be name=value, comma-separated");
        return [name.trim(), decodeURIComponent(rest.join("=").trim())];
      }),
    ),
  );

const splitList = (value: string): string[] =>
  value
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);

export const url = (
  env: string,
  doc: string,
  options: KeyOptions<string> & { schemes?: string[] } = {},
): ConfigKey<string> =>
  key(env, doc, options, (value) => {
    if (!URL.canParse(value)) throw new Error("must be a URL");
    const scheme = new URL(value).protocol.slice(0, -1);
    if (options.schemes && !options.schemes.includes(scheme))
      throw new Error(`must be a URL with ${options.schemes.join(" or ")}://`);
    return value;
  });

// biome-ignore lint/suspicious/noExplicitAny: a spec maps names to keys of any value type
export type ConfigSpec = Record<string, ConfigKey<any>>;
export type ConfigOf<S extends ConfigSpec> = { readonly [K in keyof S]: S[K] extends ConfigKey<infer T> ? T : never };

/** Every problem of a configuration at once. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `configuration has ${problems.length} problem${problems.length === 1 ? "" : "s"}:\n${problems.map((p) => `  ${p}`).join("\n")}`,
    );
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** Reads all keys once. Throws one ConfigError that names every problem; never prints a secret's value. */
export function readConfig<S extends ConfigSpec>(spec: S, source: ConfigSource): ConfigOf<S> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(spec)) {
    try {
      const value = rawValue(entry, source);
      if (value !== undefined) values[name] = entry.parse(value);
      else if ("fallback" in entry) values[name] = entry.fallback;
      else problems.push(`${entry.env} is required: ${entry.doc}`);
    } catch (err) {
      problems.push(`${entry.env} ${(err as Error).message}${entry.secret ? "" : ` (it is "${source[entry.env]}")`}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(values) as ConfigOf<S>;
}

function rawValue(entry: ConfigKey<unknown>, source: ConfigSource): string | undefined {
  const direct = source[entry.env];
  if (direct !== undefined && direct !== "") return direct;
  const file = entry.secret ? source[`${entry.env}_FILE`] : undefined;
  if (file === undefined || file === "") return undefined;
  try {
    return readFileSync(file, "utf8").trim();
  } catch (err) {
    throw new Error(`cannot be read from the file in ${entry.env}_FILE: ${(err as Error).message}`);
  }
}

/** The configuration as one may log and record it: without secrets, and without user and password of URLs that are none. */
export function describeConfig<S extends ConfigSpec>(spec: S, config: ConfigOf<S>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(spec).map(([name, entry]) => [
      entry.env,
      entry.secret ? "(secret)" : shown(config[name as keyof S]),
    ]),
  );
}

/** RFC 3986 section 3.2: what stands before the host. */
const userInfo = /(:\/\/)[^/?#@\s]+@/g;

function shown(value: unknown): unknown {
  if (typeof value === "string") return value.replace(userInfo, "$1(secret)@");
  return Array.isArray(value) ? value.map(shown) : value;
}
