import { Code, type ConnectError } from "@connectrpc/connect";
import { eventually } from "@plinth/testing";
import { describe, expect, test } from "vitest";
import { client, codeOf, freshAddress, from, newUser, password, service, useAuthService } from "./auth-fixture.ts";

useAuthService();

describe("guessing", () => {
  const guess = async (email: string, address: string, secret = "wrong") =>
    (await client(from(address))).login({ email, password: secret });

  /** Fifteen at a time: each opens a connection of its own. */
  async function inBatches<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
    const results: T[] = [];
    while (results.length < count) {
      const size = Math.min(15, count - results.length);
      results.push(...(await Promise.all(Array.from({ length: size }, (_, i) => work(results.length + i)))));
    }
    return results;
  }

  test("is slowed per account and address, with the time to wait; parallel guesses count", async () => {
    const { email } = newUser();
    const address = freshAddress();
    const codes = await Promise.all(Array.from({ length: 12 }, () => codeOf(guess(email, address))));
    expect(codes.filter((code) => code === "Unauthenticated").length).toBeLessThanOrEqual(5);
    const refusal = await guess(email, address, password).catch((err: ConnectError) => err);
    expect([(refusal as ConnectError).code, Number((refusal as ConnectError).metadata.get("retry-after")) > 0]).toEqual(
      [Code.ResourceExhausted, true],
    );
    await eventually(async () => {
      const throttled = (await service.published("auth.session.v1")).filter((e) =>
        e.data.toString("latin1").includes("throttled"),
      );
      expect(throttled.length).toBeGreaterThan(0);
    });
  });

  test("from many addresses does not lock out the owner", async () => {
    const user = newUser();
    const home = freshAddress();
    await guess(user.email, home, password);
    await inBatches(60, () => codeOf(guess(user.email, freshAddress())));
    expect(await codeOf(guess(user.email, freshAddress()))).toBe("ResourceExhausted");
    expect(await codeOf(guess(user.email, home, password))).toBe("ok");
  });

  test("one address that tries many accounts is stopped", async () => {
    const address = freshAddress();
    const codes = await inBatches(101, (i) => codeOf(guess(`target${i}@test.example`, address)));
    expect(codes[0]).toBe("Unauthenticated");
    expect(await codeOf(guess("target@test.example", address))).toBe("ResourceExhausted");
  });

  test("an office behind one address signs in as often as it likes", { timeout: 300_000 }, async () => {
    const office = await client(from(freshAddress()));
    const { email } = newUser();
    // One after the other: sign-ins of one account at the same moment count as guesses until they have succeeded.
    for (let i = 0; i < 105; i++) expect(await codeOf(office.login({ email, password }))).toBe("ok");
  });
});
