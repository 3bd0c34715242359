import { createHash } from "node:crypto";

const hashCharacters = 10;

/**
 * The parts joined by "-", as a DNS label (RFC 1123). What does not fit or is no label is cut and gets a hash of all parts, so
 * that the same parts always give the same name and different ones do not meet.
 */
export function childName(parts: readonly string[], charactersMax = 63): string {
  const plain = parts.join("-");
  if (plain.length <= charactersMax && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(plain)) return plain;
  const hash = createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, hashCharacters);
  const label = plain
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "");
  const kept = label.slice(0, charactersMax - hashCharacters - 1).replace(/-+$/, "");
  return kept === "" ? hash : `${kept}-${hash}`;
}
