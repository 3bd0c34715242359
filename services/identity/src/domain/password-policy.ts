import { Fault } from "@plinth/kernel";
import { commonWords, keyboardRuns } from "./common-words.ts";

export interface PasswordPolicy {
  /** Code points at least (NIST SP 800-63B-4 asks for 15 where a password is the only factor). */
  lengthMin: number;
  /** More passwords to refuse, normalized; for example from a breach list. */
  blocked: ReadonlySet<string>;
}

/** Facts about the user that a password must not consist of. */
export interface PasswordContext {
  email: string;
  displayName: string;
}

/** Bytes of UTF-8 at most: bounds the work of hashing. */
const bytesMax = 1024;

/** The form that is hashed: the same password typed on another device has the same bytes. */
export const normalizePassword = (password: string): string => password.normalize("NFKC");

/**
 * Throws Fault invalid_argument for a password that is too short or easy to guess. There are no composition rules
 * (NIST SP 800-63B-4 section 3.1.1.2).
 */
export function requireGoodPassword(password: string, context: PasswordContext, policy: PasswordPolicy): void {
  const normalized = normalizePassword(password);
  if ([...normalized].length < policy.lengthMin)
    throw weak(
      "PASSWORD_TOO_SHORT",
      `a password needs at least ${policy.lengthMin} characters; a few words in a row do well`,
    );
  if (Buffer.byteLength(normalized) > bytesMax)
    throw weak("PASSWORD_TOO_LONG", `a password may have ${bytesMax} bytes at most`);
  const simple = simplify(normalized);
  const words = [...commonWords, ...keyboardRuns, ...contextWords(context)];
  if (policy.blocked.has(normalized) || policy.blocked.has(simple) || isMadeOf(simple, words)) {
    throw weak(
      "PASSWORD_TOO_COMMON",
      "this password is easy to guess: it is on a list of known ones or made of your name, repeated characters or well-known words",
    );
  }
}

const weak = (reason: string, message: string): Fault =>
  new Fault({ code: "invalid_argument", reason, message, details: { field: "password" } });

const leet: Record<string, string> = {
  "0": "o",
  "1": "l",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "@": "a",
  $: "s",
  "!": "i",
};

/** Lower case, with the usual substitutions undone: "P4$$w0rd" is "password". */
function simplify(password: string): string {
  return [...password.toLowerCase()].map((char) => leet[char] ?? char).join("");
}

function contextWords({ email, displayName }: PasswordContext): string[] {
  return [...email.split(/[@.+_-]/), ...displayName.split(/\s+/)]
    .map((word) => simplify(word.toLowerCase()))
    .filter((word) => word.length >= 3);
}

/** Fewer than this many characters besides known words and repetitions do not make a password. */
const ownCharactersMin = 6;

/** True when removing known words, repeated characters and repeated halves leaves almost nothing. */
function isMadeOf(simple: string, words: readonly string[]): boolean {
  let rest = simple;
  for (const word of words.toSorted((a, b) => b.length - a.length)) rest = rest.replaceAll(word, " ");
  const own = [...rest.replace(/(.)\1{2,}/gu, " ").replace(/[^\p{L}\p{N}]/gu, "")];
  return own.length < ownCharactersMin || new Set(own).size < 3 || isRepeated(own.join(""));
}

/** "abcabcabc" is "abc" said three times. */
function isRepeated(text: string): boolean {
  const period = (text + text).indexOf(text, 1);
  return period < text.length && period < ownCharactersMin;
}
