import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type Checkpoint,
  emptyRoot,
  formatNoteKey,
  formatSignature,
  type NoteKey,
  openCheckpoint,
  parseNote,
  parseWitnessRequest,
  signatureTypes,
  signerFromSeed,
  signText,
  verifyConsistency,
} from "@plinth/transparency-log";

export interface Witness {
  url: string;
  key: string;
  noteKey: NoteKey;
  /** What it saw last, and how often it was asked. */
  latest(): { size: number; requests: number };
  /** The log that it knows. */
  trust(log: { origin: string; keys: readonly NoteKey[] }): void;
  cosign(body: string): { status: number; text: string };
  stop(): Promise<void>;
}

/** A witness as c2sp.org/tlog-witness describes one, with every check that it has to make. */
export async function startWitness(seed = 5): Promise<Witness> {
  const signer = signerFromSeed("witness.example/w1", Buffer.alloc(32, seed), signatureTypes.cosignature);
  let latest: Checkpoint = { origin: "", size: 0, root: emptyRoot };
  let trusted: { origin: string; keys: readonly NoteKey[] } | undefined;
  let requests = 0;

  function cosign(body: string): { status: number; text: string } {
    requests++;
    const { oldSize, proof, checkpoint: note } = parseWitnessRequest(body);
    if (trusted === undefined) return { status: 404, text: "" };
    const checkpoint = openCheckpoint(note, trusted.origin, trusted.keys);
    if (oldSize !== latest.size) return { status: 409, text: `${latest.size}\n` };
    if (!verifyConsistency({ from: latest, to: checkpoint, proof })) return { status: 422, text: "" };
    latest = checkpoint;
    return { status: 200, text: formatSignature(signText(parseNote(note).text, signer, 1_800_000_000)) };
  }

  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      const { status, text } = request.url === "/api/add-checkpoint" ? cosign(body) : { status: 404, text: "" };
      response.writeHead(status).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api`,
    key: formatNoteKey(signer.key),
    noteKey: signer.key,
    latest: () => ({ size: latest.size, requests }),
    trust: (log) => {
      trusted = log;
    },
    cosign,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
