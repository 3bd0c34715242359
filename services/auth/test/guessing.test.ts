import { Code, type ConnectError } from "@connectrpc/connect";
import { eventually } from "@plinth/testing";
import { describe, expect, test } from "vitest";
import { client, codeOf, freshAddress, from, newUser, password, service, useAuthService } from "./auth-fixture.ts";

useAuthService();

describe("guessing", () => {
  const guess = async (email: string, address: string, secret = "wrong") =>
    (await client(from(address))).login({ email, password: secret });

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
    const codes: unknown[] = [];
    for (let i = 0; i < 60; i++) codes.push(await codeOf(guess(user.email, freshAddress())));
    expect(codes.at(-1)).toBe("ResourceExhausted");
    expect(await codeOf(guess(user.email, home, password))).toBe("ok");
  });

  test("one address that tries many accounts is stopped", async () => {
    const address = freshAddress();
    const codes: unknown[] = [];
    for (let i = 0; i < 102; i++) codes.push(await codeOf(guess(`target${i}@test.example`, address)));
    expect([codes[0], codes.at(-1)]).toEqual(["Unauthenticated", "ResourceExhausted"]);
  });

  test("an office behind one address signs in as often as it likes", async () => {
    const address = freshAddress();
    const { email } = newUser();
    for (let i = 0; i < 105; i++) expect(await codeOf(guess(email, address, password))).toBe("ok");
  });
});
