/** Longest path with query, in characters. */
export const targetCharsMax = 8192;

export type NormalisedPath = { ok: true; path: string } | { ok: false; problem: string };

// One flag per ASCII character: may stand in a path as it is (RFC 3986 pchar and "/").
const plain = new Uint8Array(128);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~!$&'()*+,;=:@/")
  plain[char.charCodeAt(0)] = 1;

const unreserved = /^[A-Za-z0-9\-._~]$/;

/**
 * The one form of a path that is matched and forwarded: escapes of unreserved characters are decoded, other escapes
 * are upper-cased. What two servers could read differently (dot segments, empty segments, escaped slashes, control
 * characters, backslashes) is refused rather than repaired.
 */
export function normalisePath(path: string): NormalisedPath {
  if (path.charCodeAt(0) !== 47) return { ok: false, problem: "the path must start with a slash" };
  let escaped = false;
  let dots = false;
  let previous = 0;
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code === 37) escaped = true;
    else if (code > 127 || plain[code] === 0)
      return { ok: false, problem: "the path has a character that must be percent-encoded" };
    if (code === 47 && previous === 47) return { ok: false, problem: "the path has an empty segment (//)" };
    if (code === 46 && previous === 47) dots = true;
    previous = code;
  }
  if (!escaped && !dots) return { ok: true, path };
  return escaped ? decodeEscapes(path) : refuseDotSegments(path);
}

function decodeEscapes(path: string): NormalisedPath {
  let out = "";
  for (let i = 0; i < path.length; i++) {
    if (path[i] !== "%") {
      out += path[i];
      continue;
    }
    const hex = path.slice(i + 1, i + 3);
    if (!/^[0-9A-Fa-f]{2}$/.test(hex)) return { ok: false, problem: "the path has a broken percent-encoding" };
    const code = Number.parseInt(hex, 16);
    if (code < 32 || code === 127) return { ok: false, problem: "the path has an encoded control character" };
    if (code === 0x2f || code === 0x5c) return { ok: false, problem: "the path has an encoded slash or backslash" };
    const char = String.fromCharCode(code);
    out += unreserved.test(char) ? char : `%${hex.toUpperCase()}`;
    i += 2;
  }
  return refuseDotSegments(out);
}

/** Also refuses "..;x", which servers with path parameters read as "..". */
function refuseDotSegments(path: string): NormalisedPath {
  for (const segment of path.split("/")) {
    const name = segment.split(";", 1)[0]?.replace(/%3B.*$/, "");
    if (name === "." || name === "..") return { ok: false, problem: "the path has a dot segment (. or ..)" };
  }
  return { ok: true, path };
}

/** Printable ASCII except what must be percent-encoded; no fragment. */
export function isPlainQuery(query: string): boolean {
  for (let i = 0; i < query.length; i++) {
    const code = query.charCodeAt(i);
    if (code <= 32 || code >= 127 || code === 35) return false;
  }
  return true;
}
