import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatCheckpoint, openCheckpoint, parseCheckpoint } from "../src/checkpoint.ts";
import { emptyRoot, leafHash } from "../src/hash.ts";
import { cosignatureTimeS, formatNote, parseNote, parseSignatures, signText, verifyNote } from "../src/note.ts";
import { formatNoteKey, noteKey, parseNoteKey, signatureTypes, signerFromSeed } from "../src/note-key.ts";
import { formatProofFile, parseProofFile, verifyProofFile } from "../src/proof-file.ts";
import { parseTilePath, tilePath } from "../src/tile.ts";
import { formatWitnessRequest, parseWitnessRequest } from "../src/witness.ts";

// The keys and the note of golang.org/x/mod v0.43.0, sumdb/note, ExampleSign and ExampleOpen.
const peterSeed = Buffer.from("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz", "base64").subarray(1);
const peterKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const peterText =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const peterNote = `${peterText}
— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;

const log = signerFromSeed("log.example/audit", Buffer.alloc(32, 7));
const witness = signerFromSeed("witness.example/w1", Buffer.alloc(32, 8), signatureTypes.cosignature);
const body = formatCheckpoint({ origin: "log.example/audit", size: 1, root: leafHash(Buffer.from("x")) });
const signed = formatNote({ text: body, signatures: [signText(body, log)] });

describe("a signed note", () => {
  test("is the one that Go's library makes of the same key and text, byte for byte", () => {
    const signer = signerFromSeed("PeterNeumann", peterSeed);
    expect(formatNoteKey(signer.key)).toBe(peterKey);
    expect(formatNote({ text: peterText, signatures: [signText(peterText, signer)] })).toBe(peterNote);
  });

  test("by Go's library verifies; not with another key, text or signature", () => {
    const note = parseNote(peterNote);
    const keys = [parseNoteKey(peterKey)];
    expect(verifyNote(note, keys)).toEqual(note.signatures);
    expect(() => verifyNote(note, [log.key])).toThrow(
      "no signature is by a known key; there are PeterNeumann+c74f20a3",
    );
    expect(() => verifyNote({ ...note, text: note.text.replace("If", "Is") }, keys)).toThrow("does not verify");
    const impostor = { ...noteKey("PeterNeumann", log.key.publicKey), id: parseNoteKey(peterKey).id };
    expect(() => verifyNote(note, [impostor])).toThrow("does not verify");
  });

  test("with signatures by unknown keys beside a known one verifies, with a wrong one by a known key does not", () => {
    const other = signerFromSeed("other.example", Buffer.alloc(32, 9));
    const both = { text: body, signatures: [signText(body, other), signText(body, log)] };
    expect(verifyNote(both, [log.key])).toHaveLength(1);
    const wrong = { text: body, signatures: [{ ...signText("else\n", log) }, signText(body, other)] };
    expect(() => verifyNote(wrong, [log.key, other.key])).toThrow("the signature by log.example/audit does not verify");
  });

  test("whose text has empty lines ends at the last one", () => {
    const text = "one\n\ntwo\n";
    expect(parseNote(formatNote({ text, signatures: [signText(text, log)] })).text).toBe(text);
  });

  test.each([
    ["nothing", ""],
    ["no signatures", body],
    ["no end of line", signed.slice(0, -1)],
    ["a control character", signed.replace("log", "l\u0007g")],
    ["base64 with spare bits", signed.replace(/=\n$/, "\n")],
    ["a hyphen for the dash", signed.replace("— ", "- ")],
    ["65 signatures", `${body}\n${"— a AAAAAAA=\n".repeat(65)}`],
  ])("is not text with %s", (_, text) => expect(() => parseNote(text)).toThrow());
});

describe("keys", () => {
  test.each([
    peterKey.replace("c74f20a3", "c74f20a4"),
    peterKey.replace("+ARpc", "+AhRpc"),
    peterKey.slice(0, -4),
    "a b+00000000+AA==",
    "",
  ])("%s is refused", (text) => expect(() => parseNoteKey(text)).toThrow());
});

describe("a cosignature", () => {
  test("carries its time and verifies only with it", () => {
    const signature = signText(body, witness, 1_679_315_147);
    expect(cosignatureTimeS(signature.bytes)).toBe(1_679_315_147);
    const note = parseNote(`${signed}${formatNote({ text: "", signatures: [signature] }).slice(1)}`);
    expect(verifyNote(note, [witness.key])).toEqual([signature]);
    const later = { ...signature, bytes: Uint8Array.from(signature.bytes) };
    later.bytes[7] = 0;
    expect(() => verifyNote({ ...note, signatures: [later] }, [witness.key])).toThrow("does not verify");
    expect(() =>
      verifyNote({ ...note, signatures: [{ ...signature, bytes: Buffer.alloc(3) }] }, [witness.key]),
    ).toThrow();
  });
});

describe("a checkpoint", () => {
  test("opens with the log's key and name only", () => {
    expect(openCheckpoint(signed, "log.example/audit", [log.key])).toMatchObject({ size: 1 });
    expect(() => openCheckpoint(signed, "log.example/other", [log.key])).toThrow("is of the log log.example/audit");
    expect(() => openCheckpoint(signed, "log.example/audit", [witness.key])).toThrow("no signature is by a known key");
    expect(() => openCheckpoint(signed.replace("\n1\n", "\n2\n"), "log.example/audit", [log.key])).toThrow("verify");
  });

  test("may have extension lines", () => {
    expect(parseCheckpoint(`${body}more\n`)).toEqual(parseCheckpoint(body));
  });

  test.each(["a\n01\nAA==\n", body.replace("\n1\n", "\n-1\n"), body.slice(0, -1), `${body}\n`, `\n${body}`, ""])(
    "is not %j",
    (text) => expect(() => parseCheckpoint(text)).toThrow(),
  );
});

describe("a proof file", () => {
  const leaf = leafHash(Buffer.from("x"));
  const proof = { index: 0, hashes: [], checkpoint: signed };
  const trust = { origin: "log.example/audit", keys: [log.key] };

  test("is what was written, and verifies", () => {
    const file = formatProofFile({ ...proof, extra: Buffer.from("more") });
    expect(file).toContain("c2sp.org/tlog-proof@v1\nextra bW9yZQ==\nindex 0\n\nlog.example/audit\n1\n");
    expect(formatProofFile(parseProofFile(file))).toBe(file);
    expect(verifyProofFile(parseProofFile(file), leaf, trust).size).toBe(1);
    expect(() => verifyProofFile(proof, emptyRoot, trust)).toThrow("not at index 0");
    expect(() => verifyProofFile({ ...proof, index: 1 }, leaf, trust)).toThrow("not at index 1");
  });

  test.each([
    "",
    "c2sp.org/tlog-proof@v1\nindex 00\n\nx",
    "c2sp.org/tlog-proof@v1\n\nx",
    "c2sp.org/tlog-proof@v2\nindex 1\n\n",
  ])("is not %j", (text) => expect(() => parseProofFile(text)).toThrow());
  test("does not have hashes of another length", () => {
    expect(() => parseProofFile("c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nx")).toThrow("32 bytes");
    expect(() => parseProofFile(`c2sp.org/tlog-proof@v1\nindex 1\n${"AAAA\n".repeat(64)}\nx`)).toThrow("at most 63");
  });
});

test("a request to a witness is what was written", () => {
  const text = formatWitnessRequest({ oldSize: 20, proof: [emptyRoot, leaf0], checkpoint: signed });
  expect(text).toMatch(/^old 20\n[\w+/]{43}=\n[\w+/]{43}=\n\nlog\.example/);
  expect(formatWitnessRequest(parseWitnessRequest(text))).toBe(text);
  expect(() => parseWitnessRequest(text.replace("old 20", "old 020"))).toThrow();
  expect(parseSignatures(formatNote({ text: "", signatures: [signText(body, witness, 1)] }).slice(1))).toHaveLength(1);
});
const leaf0 = leafHash(Buffer.from("0"));

describe("paths of tiles", () => {
  test.each([
    [{ level: 0, index: 1_234_067 }, 256, "0/x001/x234/067"],
    [{ level: 2, index: 0 }, 1, "2/000.p/1"],
    [{ level: "entries", index: 999 }, 255, "entries/999.p/255"],
    [{ level: 63, index: 1000 }, 256, "63/x001/000"],
  ] as const)("%o %i is %s", (id, width, path) => {
    expect(tilePath(id, width)).toBe(path);
    expect(parseTilePath(path)).toEqual({ ...id, width });
  });

  test.each([
    "0/1",
    "00/001",
    "64/000",
    "0/x000/001",
    "0/000.p/0",
    "0/000.p/256",
    "0/000.p/01",
    "0/000/",
    "-1/000",
    "0/x1/000",
  ])("%s is none", (path) => expect(parseTilePath(path)).toBeUndefined());

  test("of any index come back", () => {
    fc.assert(
      fc.property(fc.nat(Number.MAX_SAFE_INTEGER), fc.integer({ min: 1, max: 256 }), (index, width) => {
        expect(parseTilePath(tilePath({ level: 1, index }, width))).toEqual({ level: 1, index, width });
      }),
    );
  });
});
