import { describe, expect, test } from "vitest";
import { decodeBase64, encodeBase64 } from "../src/base64.ts";
import { formatCheckpoint, openCheckpoint } from "../src/checkpoint.ts";
import { leafHash } from "../src/hash.ts";
import { formatNote, parseNote, signText, verifyNote } from "../src/note.ts";
import { formatNoteKey, signatureTypes, signerFromSeed } from "../src/note-key.ts";
import { formatProofFile, parseProofFile, verifyProofFile } from "../src/proof-file.ts";
import { proveConsistency, proveInclusion } from "../src/prove.ts";
import { tilePath } from "../src/tile.ts";
import { verifyConsistency, verifyInclusion } from "../src/verify.ts";
import { askJudge, buildTimeoutMs, whyNoJudge } from "./go-judge.ts";
import { growTree, numberedLeaves } from "./grown-tree.ts";

const missing = whyNoJudge();
const origin = "log.example/audit";
const log = signerFromSeed(origin, Buffer.alloc(32, 7));
const witness = signerFromSeed("witness.example/w1", Buffer.alloc(32, 8), signatureTypes.cosignature);
const keys = [formatNoteKey(log.key)];
const size = 700;
const hash = (text: string) => decodeBase64(text) as Uint8Array;

const title = `golang.org/x/mod/sumdb and transparency-dev${missing ? ` (${missing})` : ""}`;

// Whoever asks first on a machine builds the judge.
describe.skipIf(missing)(title, { timeout: buildTimeoutMs + 120_000 }, () => {
  const tree = growTree({ everyRoot: true });
  tree.append(numberedLeaves(size));
  const rootOf = (at: number) => tree.roots[at] as Uint8Array;
  const text = formatCheckpoint({ origin, size, root: rootOf(size) });
  const checkpoint = formatNote({ text, signatures: [signText(text, log)] });
  const cosigned = formatNote({ text, signatures: [signText(text, log), signText(text, witness, 1_800_000_000)] });
  const tiles = Object.fromEntries(
    [...tree.tiles.values()].map((tile) => [tilePath(tile, tile.hashes.length / 32), encodeBase64(tile.hashes)]),
  );

  test("accept our checkpoints, cosignatures, tiles and proofs", async () => {
    const indexes = [0, 1, 255, 256, 511, 512, 698, 699];
    const proofs = await Promise.all(
      indexes.map(async (index) => {
        const hashes = await proveInclusion(index, size, tree.reader);
        return { leaf: btoa(`leaf ${index}`), file: formatProofFile({ index, hashes, checkpoint }) };
      }),
    );
    const consistency = await Promise.all(
      indexes.slice(1).map(async (from) => ({
        from: { size: from, root: encodeBase64(rootOf(from)) },
        to: { size, root: encodeBase64(rootOf(size)) },
        proof: (await proveConsistency(from, size, tree.reader)).map(encodeBase64),
      })),
    );
    const witnesses = [formatNoteKey(witness.key)];
    expect(await askJudge({ origin, keys, witnesses, checkpoints: [cosigned], proofs, consistency, tiles })).toEqual({
      problems: [],
    });
  });

  test("refuse what is wrong, so that their word counts", async () => {
    const hashes = await proveInclusion(3, size, tree.reader);
    const { problems } = await askJudge({
      origin,
      keys,
      witnesses: [formatNoteKey(witness.key)],
      checkpoints: [checkpoint.replace("\n700\n", "\n701\n"), checkpoint],
      proofs: [{ leaf: btoa("leaf 4"), file: formatProofFile({ index: 3, hashes, checkpoint }) }],
      consistency: [
        {
          from: { size: 5, root: encodeBase64(rootOf(6)) },
          to: { size, root: encodeBase64(rootOf(size)) },
          proof: (await proveConsistency(5, size, tree.reader)).map(encodeBase64),
        },
      ],
      tiles: { ...tiles, "0/000": tiles["0/001"] as string },
    });
    expect(problems.map((problem) => problem.split(/[:,]/)[0])).toEqual([
      "checkpoint 0",
      "checkpoint 0",
      "checkpoint 1",
      "proof 0",
      "consistency 0",
      "tiles",
    ]);
  });

  test("make the same roots, proofs and notes as we do", async () => {
    const seed = (byte: number) => Buffer.concat([Buffer.of(1), Buffer.alloc(32, byte)]).toString("base64");
    const skey = (name: string, id: string, byte: number) => `PRIVATE+KEY+${name}+${id}+${seed(byte)}`;
    const id = (key: string) => key.split("+")[1] as string;
    const { problems, made } = await askJudge({
      origin,
      keys,
      make: {
        leaves: numberedLeaves(size).map(encodeBase64),
        signer: skey(origin, id(keys[0] as string), 7),
        witness: skey("witness.example/w1", id(formatNoteKey(witness.key)), 8),
      },
    });
    expect(problems).toEqual([]);
    expect(made?.roots).toEqual(tree.roots.slice(1).map(encodeBase64));
    expect(made?.checkpoint).toBe(checkpoint);
    expect(verifyNote(parseNote(made?.cosigned ?? ""), [log.key, witness.key])).toHaveLength(2);
    for (const [index, proof] of (made?.inclusion ?? []).entries()) {
      expect(proof).toEqual((await proveInclusion(index, size, tree.reader)).map(encodeBase64));
      const leaf = leafHash(Buffer.from(`leaf ${index}`));
      expect(verifyInclusion({ leafHash: leaf, index, size, proof: proof.map(hash), root: rootOf(size) })).toBe(true);
    }
    for (const [at, proof] of (made?.consistency ?? []).entries()) {
      expect(proof).toEqual((await proveConsistency(at + 1, size, tree.reader)).map(encodeBase64));
      const [from, to] = [at + 1, size].map((of) => ({ size: of, root: rootOf(of) }));
      expect(from && to && verifyConsistency({ from, to, proof: proof.map(hash) })).toBe(true);
    }
    const { root } = openCheckpoint(made?.checkpoint ?? "", origin, [log.key]);
    expect(encodeBase64(root)).toBe(encodeBase64(rootOf(size)));
    const last = leafHash(Buffer.from(`leaf ${size - 1}`));
    expect(verifyProofFile(parseProofFile(made?.proofFile ?? ""), last, { origin, keys: [log.key] }).size).toBe(size);
  });
});
