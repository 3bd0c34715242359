import { silentLogger, systemClock } from "@plinth/kernel";
import { eventually } from "@plinth/testing";
import { openCheckpoint, parseNote, verifyNote } from "@plinth/transparency-log";
import { askJudge, whyNoJudge } from "@plinth/transparency-log/judge";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWitnessFeeder } from "../src/log/witness-feeder.ts";
import { codeOf, logClient, record, startAudit, trust, wholeCheckpoint } from "./audit-fixture.ts";
import { logParts, newEntry, origin } from "./log-parts.ts";
import { startWitness, type Witness } from "./witness.ts";

let witness: Witness;
beforeAll(async () => {
  witness = await startWitness();
});
afterAll(() => witness.stop());

/** The log's parts with one witness, which knows its key. */
async function witnessed(own: Witness) {
  const parts = await logParts({ witnesses: [own.noteKey] });
  const { keys, reader, cosignatures } = parts;
  const common = { reader, cosignatures, clock: systemClock, logger: silentLogger };
  const feeder = createWitnessFeeder({ ...common, witnesses: [{ key: own.noteKey, url: own.url }] });
  const grow = async (count: number) => {
    for (let n = 0; n < count; n++) await parts.recorder.record(newEntry());
    await parts.integrateAll();
  };
  await grow(1);
  own.trust({ origin, keys: (await keys.list()).map(({ key }) => key) });
  return { ...parts, feeder, common, grow };
}

describe("a witness that is asked", () => {
  test("cosigns each new checkpoint once, and its line is returned with it", async () => {
    const { feeder, reader, grow } = await witnessed(witness);
    await feeder.round();
    await feeder.round();
    expect(witness.latest()).toEqual({ size: 1, requests: 1 });
    await grow(6);
    await feeder.round();
    expect(witness.latest()).toEqual({ size: 7, requests: 2 });
    const { checkpoint } = await reader.checkpoint();
    expect(verifyNote(parseNote(checkpoint), [witness.noteKey])).toHaveLength(1);
  });

  test("tells the size that it knows to a service that was started anew", async () => {
    const own = await startWitness(6);
    const { feeder, grow, common } = await witnessed(own);
    await feeder.round();
    await grow(3);
    const again = createWitnessFeeder({ ...common, witnesses: [{ key: own.noteKey, url: own.url }] });
    await again.round();
    expect(own.latest()).toEqual({ size: 4, requests: 3 });
    await own.stop();
  });

  test("does not cosign a log that went back", async () => {
    const own = await startWitness(7);
    const { feeder, grow, testDatabase, reader } = await witnessed(own);
    await grow(4);
    await feeder.round();
    await testDatabase.admin(
      `SET search_path = audit; SET session_replication_role = replica; TRUNCATE sealed_entry, tile;
       UPDATE head SET sequence = 0; UPDATE log_head SET size = 0, root = sha256('')`,
    );
    await grow(2);
    await feeder.round();
    expect(own.latest().size).toBe(5);
    expect((await reader.checkpoint()).size).toBe(2);
    await own.stop();
  });
});

describe("a witness that somebody else asks", () => {
  test("is fed and heard through the API, and its cosignature convinces Go's libraries", async () => {
    const own = await startWitness(8);
    const service = await startAudit({ PLINTH_AUDIT_WITNESSES: own.key });
    try {
      await record(5, service);
      await wholeCheckpoint(service);
      const trusted = await trust(service);
      own.trust(trusted);
      const log = await logClient(service);
      expect(await codeOf(log.getCheckpoint({ cosigned: true }))).toBe("NotFound");
      const { body, size } = await log.getWitnessRequest({ oldSize: 0n });
      const { text: lines } = own.cosign(body);
      // The log grows while the witness thinks.
      await record(2, service);
      await wholeCheckpoint(service);
      expect(await codeOf(log.addCosignatures({ size, lines: lines.replace(/A/g, "B") }))).not.toBe("ok");
      const stranger = await startWitness(9);
      stranger.trust(trusted);
      expect(await codeOf(log.addCosignatures({ size, lines: stranger.cosign(body).text }))).toBe("FailedPrecondition");
      await stranger.stop();
      expect(await codeOf(log.addCosignatures({ size: 1_000n, lines }))).toBe("FailedPrecondition");
      expect(await codeOf(log.addCosignatures({ size: size - 1n, lines }))).toBe("FailedPrecondition");
      const kept = await log.addCosignatures({ size, lines });
      const { note } = await eventually(() => log.getCheckpoint({ cosigned: true }));
      expect(note).toBe(kept.note);
      expect(openCheckpoint(note, trusted.origin, trusted.keys).size).toBe(Number(size));
      if (whyNoJudge() === undefined) {
        const { origin: name, texts } = trusted;
        const question = { origin: name, keys: texts, witnesses: [own.key], checkpoints: [note] };
        expect(await askJudge(question)).toEqual({ problems: [] });
      }
    } finally {
      await service.stop();
      await own.stop();
    }
  });
});
