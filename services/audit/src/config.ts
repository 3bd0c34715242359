import {
  bool,
  type ConfigKey,
  durationMs,
  encryptionKey,
  list,
  optionalEncryptionKey,
  optionalText,
  parseDurationMs,
} from "@plinth/kernel";
import { type NoteKey, parseNoteKey, signatureTypes } from "@plinth/transparency-log";

export interface Witness {
  key: NoteKey;
  /** Prefix of its API (c2sp.org/tlog-witness); undefined: fed by somebody else. */
  url: string | undefined;
}

const witnessTexts = list(
  "PLINTH_AUDIT_WITNESSES",
  'who cosigns checkpoints, comma-separated: "NAME+ID+KEY URL" for one that is asked, "NAME+ID+KEY" for one that somebody else asks',
  { default: [] },
);

const retentionText = optionalText(
  "PLINTH_AUDIT_RETENTION",
  "entries older than this, for example 400d, are removed; their hashes stay, and with them all proofs of later entries. Absent: kept for ever",
);

export const config = {
  encryptionKey: encryptionKey(
    "PLINTH_AUDIT_KEY_ENCRYPTION_KEY",
    "32 random bytes in base64; the key that encrypts personal data and the log's keys is encrypted with it, and without it they are lost",
  ),
  previousEncryptionKey: optionalEncryptionKey(
    "PLINTH_AUDIT_KEY_ENCRYPTION_KEY_PREVIOUS",
    "the key before, while PLINTH_AUDIT_KEY_ENCRYPTION_KEY is replaced",
  ),
  logOrigin: optionalText(
    "PLINTH_AUDIT_LOG_ORIGIN",
    "name of the log in its checkpoints, a URL without scheme; made of the token issuer when absent. Another name is another log for verifiers",
  ),
  logPublic: bool(
    "PLINTH_AUDIT_LOG_PUBLIC",
    "whether checkpoint and tiles, which are hashes only, are served to everybody; entries never are",
    { default: false },
  ),
  keyOverlapMs: durationMs(
    "PLINTH_AUDIT_KEY_OVERLAP",
    "after a rotation the key before signs beside the new one for this",
    {
      default: "90d",
    },
  ),
  retentionMs: {
    ...retentionText,
    parse: (text: string): number | undefined => parseDurationMs(text),
  } as ConfigKey<number | undefined>,
  witnesses: {
    ...witnessTexts,
    fallback: [],
    parse: (text: string): Witness[] => witnessTexts.parse(text).map(parseWitness),
  } as ConfigKey<Witness[]>,
};

function parseWitness(text: string): Witness {
  const [keyText = "", url] = text.split(/\s+/);
  const key = parseNoteKey(keyText);
  if (key.type !== signatureTypes.cosignature) throw new Error(`names ${key.name}, whose key is none for cosignatures`);
  if (url !== undefined && !/^https?:\/\//.test(url)) throw new Error(`names ${key.name} with a URL that is none`);
  return { key, url: url?.replace(/\/$/, "") };
}

/** A checkpoint's origin line: no scheme, no slash at the end, neither spaces nor plus signs. */
export const originOf = (configured: string | undefined, tokenIssuer: string): string =>
  (configured ?? `${tokenIssuer.replace(/^https?:\/\//, "").replace(/\/+$/, "")}/audit`).replaceAll(/[\s+]/g, "-");
