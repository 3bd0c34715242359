import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createFakeClock } from "@plinth/testing";
import { describe, expect, test } from "vitest";
import { withDeadline } from "../src/with-deadline.ts";

const canceled = () => new ConnectError("reset by the peer", Code.Canceled);

/** A stream that the peer cancels `afterMs` after its beginning, before or after its head. */
async function codeOf(afterMs: number, timeoutMs: number | undefined, when: "head" | "message", signal?: AbortSignal) {
  const clock = createFakeClock();
  const stream = async () => {
    if (when === "head") {
      clock.advance(afterMs);
      throw canceled();
    }
    async function* messages() {
      yield "first";
      clock.advance(afterMs);
      throw canceled();
    }
    return { message: messages() };
  };
  try {
    const bounded = withDeadline(stream as unknown as Transport["stream"], clock);
    const answer = await bounded(undefined as never, signal, timeoutMs, undefined, [] as never);
    for await (const _ of answer.message);
    return undefined;
  } catch (err) {
    return ConnectError.from(err).code;
  }
}

describe.each(["head", "message"] as const)("a stream that its peer cancels, before or in the %s", (when) => {
  test.each([
    ["at its deadline", 200, 200, Code.DeadlineExceeded],
    ["a little before", 190, 200, Code.DeadlineExceeded],
    ["long before", 100, 200, Code.Canceled],
    ["without a deadline", 100, undefined, Code.Canceled],
  ])("%s", async (_, afterMs, timeoutMs, code) => expect(await codeOf(afterMs, timeoutMs, when)).toBe(code));

  test("because its caller gave it up", async () => {
    expect(await codeOf(200, 200, when, AbortSignal.abort())).toBe(Code.Canceled);
  });
});
