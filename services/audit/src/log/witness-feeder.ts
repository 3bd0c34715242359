import { type Clock, type Component, createRounds, type Logger } from "@plinth/kernel";
import { formatWitnessRequest } from "@plinth/transparency-log";
import type { Witness } from "../config.ts";
import type { CosignatureStore } from "./cosignatures.ts";
import type { LogReader } from "./log-reader.ts";

export interface WitnessFeederOptions {
  witnesses: readonly Witness[];
  reader: LogReader;
  cosignatures: CosignatureStore;
  clock: Clock;
  logger: Logger;
}

const intervalMs = 10_000;
const timeoutMs = 10_000;
const answerBytesMax = 65_536;

async function readText(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > answerBytesMax) throw new Error(`the answer has more than ${answerBytesMax} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

/** Shows new checkpoints to the witnesses that have a URL and keeps what they answer (c2sp.org/tlog-witness, "add-checkpoint"). */
export function createWitnessFeeder(options: WitnessFeederOptions): Component & { round(): Promise<void> } {
  const { witnesses, reader, cosignatures, clock, logger } = options;
  /** Size that each witness has seen; it says so itself when this is wrong. */
  const seen = new Map<string, number>();

  async function feed({ key, url }: Witness, signal: AbortSignal, again = true): Promise<void> {
    const head = await reader.checkpoint();
    const oldSize = seen.get(key.name) ?? 0;
    if (url === undefined || oldSize === head.size) return;
    const { status, text } = await add(url, oldSize, head, signal);
    const told = status === 409 ? Number(text.trim()) : Number.NaN;
    if (again && Number.isSafeInteger(told) && told !== oldSize) {
      // A larger size than ours: the witness remembers what this database has lost.
      if (told > head.size)
        logger.error({ witness: key.name, told, size: head.size }, "the witness has seen a longer log");
      else seen.set(key.name, told);
      return told > head.size ? undefined : feed({ key, url }, signal, false);
    }
    if (status !== 200) throw new Error(`${key.name} answered ${status}: ${text.slice(0, 200)}`);
    await cosignatures.keep(head.size, text);
    seen.set(key.name, head.size);
  }

  async function add(url: string, oldSize: number, head: { size: number; checkpoint: string }, signal: AbortSignal) {
    const { hashes } = await reader.consistency(oldSize, head.size);
    const response = await fetch(`${url}/add-checkpoint`, {
      method: "POST",
      body: formatWitnessRequest({ oldSize, proof: hashes, checkpoint: head.checkpoint }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    return { status: response.status, text: await readText(response) };
  }

  const failed = (err: unknown, witness?: string) =>
    logger.warn({ err, witness }, "a witness did not cosign, trying again");

  async function round(signal: AbortSignal = new AbortController().signal): Promise<void> {
    for (const witness of witnesses) {
      await feed(witness, signal).catch((err) => {
        if (!signal.aborted) failed(err, witness.key.name);
      });
    }
  }

  const rounds = createRounds({ name: "witnesses", clock, intervalMs, round, failed });
  return {
    ...rounds,
    round: () => round(),
    async start() {
      if (witnesses.some(({ url }) => url !== undefined)) await rounds.start?.();
    },
  };
}
