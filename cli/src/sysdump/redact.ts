import { parseDocument, stringify } from "yaml";

/** What stands where a secret was. */
export const redacted = "REDACTED";

/** Names of fields, variables and entries whose values are nobody's business. */
const sensitiveName =
  /pass(word|wd|phrase)?$|^pass|secret|token|credential|private|api[-_]?key|access[-_]?key|encryption[-_]?key|signing[-_]?key|authorization|cookie|_url$|^url$|dsn|connection[-_]?string/i;
/** Fields with such names that hold no secret: references, public keys, times, sizes, and addresses that everybody may know. */
const harmlessName =
  /(ref|refs|name|names|issuer|audience|jwks|file|path|folder|ttl|ms|max|min|count|policy|expirationseconds|gatewayurl|publicurl|identity_url|authz_url|gateway_url|otlp\w*)$/i;

/** A shorter value is a word: replacing it would make everything else unreadable. */
const knownLengthMin = 8;

/** Forms of secrets that are known by their look. The first group is kept. */
const shapes: readonly RegExp[] = [
  /()-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  // JSON Web Tokens, and their first two parts.
  /()\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?/g,
  // user:password@ of URLs; the user may stay.
  /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@"']*:)[^\s@"'/]+(?=@)/gi,
  /(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}/gi,
  // Hashes of passwords: argon2, bcrypt, scrypt, pbkdf2.
  /()\$(?:argon2(?:id|i|d)|2[aby]|scrypt|pbkdf2[\w-]*)\$[A-Za-z0-9./+=,$-]+/g,
  // name=value and "name": "value" in whatever text.
  /(\b[\w-]*(?:password|passwd|secret|token|api[-_]?key|encryption[-_]?key|private[-_]?key)[\w-]*(?<!issuer|audience|jwks|name|file|ref)["']?[ \t]*[:=][ \t]*["']?)(?!REDACTED)[^\s"',;}{&]{4,}/gi,
  /("d"\s{0,4}:\s{0,4}")[A-Za-z0-9_-]{40,}/g,
];

export interface Redactor {
  /** Adds a value that must not appear, in whatever of the usual encodings. */
  add(value: string): void;
  /** The text without anything known or shaped like a secret. */
  text(text: string): string;
  /** An API object or other JSON, as YAML, without values under sensitive names. */
  object(value: object): string;
}

export function createRedactor(): Redactor {
  const known = new Set<string>();
  let ordered: string[] | undefined;
  const text = (given: string): string => {
    // The longest first: a URL goes before the password in it.
    ordered ??= [...known].toSorted((a, b) => b.length - a.length);
    let result = given;
    for (const value of ordered) result = result.replaceAll(value, redacted);
    for (const shape of shapes) result = result.replace(shape, `$1${redacted}`);
    return result;
  };
  return {
    add(value) {
      ordered = undefined;
      for (const form of formsOf(value.trim())) if (form.length >= knownLengthMin) known.add(form);
      const password = URL.parse(value.trim())?.password;
      if (password)
        for (const form of formsOf(decodeURIComponent(password))) if (form.length >= knownLengthMin) known.add(form);
    },
    text,
    object: (value) => text(stringify(withoutSecrets(value), { lineWidth: 0, aliasDuplicateObjects: false })),
  };
}

function formsOf(value: string): string[] {
  const bytes = Buffer.from(value, "utf8");
  return [
    value,
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    bytes.toString("base64"),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
    bytes.toString("hex"),
  ];
}

/** A copy in which whatever has a sensitive name has no value; of a Secret only the names of its entries remain. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  const object = value as Record<string, unknown>;
  const isSecret = object["kind"] === "Secret";
  const isSensitiveVariable = typeof object["name"] === "string" && "value" in object && isSensitive(object["name"]);
  return Object.fromEntries(
    Object.entries(object).flatMap(([name, inner]): [string, unknown][] => {
      if (name === "managedFields" || name === "kubectl.kubernetes.io/last-applied-configuration") return [];
      // What the operator pins as text is the pod template, environment included.
      if (name === "plinth.dev/pod-template") return [[name, redacted]];
      if (isSecret && (name === "data" || name === "stringData")) return [[name, emptied(inner)]];
      if (isSensitiveVariable && name === "value") return [[name, redacted]];
      if (isSensitive(name) && isScalar(inner)) return [[name, redacted]];
      return [[name, withoutSecrets(inner)]];
    }),
  );
}

const isSensitive = (name: string): boolean => sensitiveName.test(name) && !harmlessName.test(name);
const isScalar = (value: unknown): boolean => typeof value === "string" || typeof value === "number";

const emptied = (data: unknown): Record<string, string> =>
  Object.fromEntries(Object.keys((data ?? {}) as object).map((entry) => [entry, redacted]));

/** A YAML text by its structure; by its words alone where it cannot be parsed. */
export function redactYaml(text: string, redactor: Redactor): string {
  const document = parseDocument(text);
  const value: unknown = document.errors.length === 0 ? document.toJS() : undefined;
  return typeof value === "object" && value !== null ? redactor.object(value) : redactor.text(text);
}
