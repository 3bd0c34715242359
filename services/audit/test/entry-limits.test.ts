import { createHash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { AuditService, Outcome } from "@plinth/proto/plinth/audit/v1/audit";
import { RelationshipsChangedSchema } from "@plinth/proto/plinth/authz/v1/events";
import { eventually } from "@plinth/testing";
import { describe, expect, test } from "vitest";
import { logClient, newId, publish, reader, service, useAuditService, wholeCheckpoint } from "./audit-fixture.ts";

useAuditService();

describe("an entry that is too large", () => {
  test("is refused from a call, and the fault says which part", async () => {
    const reporter = await service.client(AuditService, { workload: "notes" });
    const about = { action: "a.b", actor: "anonymous", outcome: Outcome.SUCCESS };
    const details = (text: string) => ({ details: { text } });
    // Three bytes each.
    for (const text of ["x".repeat(262_144), "€".repeat(90_000)]) {
      const err = await reporter
        .recordEntry({ id: newId(), ...about, ...details(text) })
        .catch((thrown: unknown) => thrown);
      expect(err).toBeInstanceOf(ConnectError);
      expect((err as ConnectError).code).toBe(Code.InvalidArgument);
      expect((err as ConnectError).rawMessage).toMatch(/^details: has \d+ bytes as JSON, and 262144 are the most/);
    }
    const fits = await reporter.recordEntry({ id: newId(), ...about, ...details("x".repeat(262_000)) });
    expect(fits.sequence).toBeGreaterThan(0n);
  });

  test("from an event is recorded with what fits, and stops nobody", async () => {
    const huge = new Uint8Array(300_000).fill(7);
    // Little on the wire, a lot as JSON.
    const written = Array.from({ length: 110_000 }, () => ({ relation: "" }));
    const wide = toBinary(RelationshipsChangedSchema, create(RelationshipsChangedSchema, { written }));
    const ids = [newId(), newId(), newId(), newId()] as const;
    await publish([
      { id: ids[0], type: "x".repeat(70_000), subject: "s".repeat(501), actor: "user:1" },
      { id: ids[1], type: "notes.v1.Huge", data: huge },
      { id: ids[2], type: RelationshipsChangedSchema.typeName, data: wide },
      { id: ids[3], type: "notes.v1.Fine", data: new Uint8Array([1]) },
    ]);
    const read = await reader();
    const [long, large, broad, fine] = await Promise.all(ids.map((id) => eventually(() => read.getEntry({ id }))));
    expect(long?.action).toBe("x".repeat(200));
    expect(long?.resource).toBe("s".repeat(500));
    expect(large?.details).toEqual({
      omitted: { bytes: 300_000, sha256: createHash("sha256").update(huge).digest("hex") },
    });
    expect(large?.payload).toHaveLength(0);
    expect(Buffer.from(broad?.payload ?? []).equals(wide)).toBe(true);
    expect(fine?.action).toBe("notes.v1.Fine");
    // All of them are leaves as others.
    await wholeCheckpoint();
    for (const id of ids) expect((await (await logClient()).getEntryProof({ id })).leaf.length).toBeLessThan(2_000);
  });
});
