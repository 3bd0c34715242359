import { eventually } from "@plinth/testing";
import { describe, expect, test } from "vitest";
import { client, codeOf, eventsOf, service, signIn, useAuthService } from "./auth-fixture.ts";

useAuthService();

describe("Refresh", () => {
  const exchange = async (refreshToken: string, userAgent = "app/1") =>
    (await client({ headers: { "user-agent": userAgent } })).refresh({ refreshToken });

  test("rotates: the new token works and belongs to the same session", async () => {
    const user = await signIn();
    const second = await exchange(user.refreshToken);
    const third = await exchange(second.refreshToken);
    expect(new Set([user.refreshToken, second.refreshToken, third.refreshToken]).size).toBe(3);
    expect([second.sessionId, third.sessionId]).toEqual([user.sessionId, user.sessionId]);
  });

  test("many requests at once with one token all get the same successor", async () => {
    const user = await signIn();
    const answers = await Promise.all(Array.from({ length: 8 }, () => exchange(user.refreshToken)));
    expect(new Set(answers.map((a) => a.refreshToken)).size).toBe(1);
    expect(await codeOf(exchange(answers[0]?.refreshToken ?? ""))).toBe("ok");
  });

  test("another client that shows a used token ends the session, and says so", async () => {
    const user = await signIn();
    const next = await exchange(user.refreshToken);
    expect(await codeOf(exchange(user.refreshToken, "thief/1"))).toBe("Unauthenticated");
    expect(await codeOf(exchange(next.refreshToken))).toBe("Unauthenticated");
    await eventually(async () =>
      expect(await eventsOf(`users/${user.id}`)).toEqual(["LoginSucceeded", "SessionRevoked"]),
    );
  });

  test("a used token whose successor was used as well ends the session, also inside the window", async () => {
    const user = await signIn();
    const next = await exchange(user.refreshToken);
    const last = await exchange(next.refreshToken);
    expect(await codeOf(exchange(user.refreshToken))).toBe("Unauthenticated");
    expect(await codeOf(exchange(last.refreshToken))).toBe("Unauthenticated");
  });

  test("a used token after the replay window ends the session", async () => {
    const user = await signIn();
    const next = await exchange(user.refreshToken);
    await service.database.admin(
      `UPDATE auth.refresh_token SET consume_time = consume_time - interval '2 minutes' WHERE consume_time IS NOT NULL AND session_id = '${user.sessionId}'`,
    );
    expect(await codeOf(exchange(user.refreshToken))).toBe("Unauthenticated");
    expect(await codeOf(exchange(next.refreshToken))).toBe("Unauthenticated");
  });

  test("expired, unknown and SQL-looking tokens are refused alike", async () => {
    const user = await signIn();
    await service.database.admin(
      `UPDATE auth.refresh_token SET expire_time = now() - interval '1 second' WHERE session_id = '${user.sessionId}'`,
    );
    for (const token of [user.refreshToken, "plinth_rt_unknown", "' OR 1=1 --"])
      expect(await codeOf(exchange(token))).toBe("Unauthenticated");
  });

  test("the database alone gives no usable token away", async () => {
    const user = await signIn();
    const next = await exchange(user.refreshToken);
    const dump = JSON.stringify(
      await service.database.admin(
        "SELECT encode(hash, 'escape') h, encode(sealed_successor, 'escape') s FROM auth.refresh_token",
      ),
    );
    for (const token of [user.refreshToken, next.refreshToken]) expect(dump).not.toContain(token.slice(10, 30));
  });
});
