import { createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { eventually, type Http2ServerOptions, startHttp2Server } from "@plinth/testing";
import { afterEach, describe, expect, it } from "vitest";
import { EchoService } from "./echo-service.ts";
import { service, startGateway } from "./harness.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface EchoClient {
  unary(request: { value: string }, options?: object): Promise<{ value: string }>;
  join(requests: AsyncIterable<{ value: string }>): Promise<{ value: string }>;
}

const clientOf = (baseUrl: string): EchoClient =>
  createClient(EchoService, createGrpcTransport({ baseUrl })) as unknown as EchoClient;

/** The gateway before one service over HTTP/2; `held`: answers that wait for `release`. */
async function start(options: Http2ServerOptions) {
  const held: (() => void)[] = [];
  const seen: string[] = [];
  let holds = false;
  const answer = async (value: string) => {
    seen.push(value);
    if (holds) await new Promise<void>((resolve) => held.push(resolve));
    return { value };
  };
  const upstream = await startHttp2Server(
    connectNodeAdapter({
      routes: (router) =>
        router.service(EchoService, {
          unary: ({ value }: { value: string }) => answer(value),
          async join(requests: AsyncIterable<{ value: string }>) {
            let all = "";
            for await (const { value } of requests) all += value;
            return answer(all);
          },
        } as never),
    }),
    options,
  );
  cleanups.push(() => upstream.close());
  const rule = { path: "/", authentication: "None", timeout: "5m" };
  const running = await startGateway([service("echo", [rule])], { echo: [upstream.port] });
  cleanups.push(() => running.stop(0));
  return {
    ...{ upstream, running, held, seen },
    hold: () => {
      holds = true;
    },
    release() {
      holds = false;
      for (const go of held.splice(0)) go();
    },
    client: clientOf(running.url),
  };
}

describe("a service that takes few streams on a connection", () => {
  it("gets more connections, and requests wait for a place after that", async () => {
    const { client, upstream, held, hold, release, seen } = await start({ streamsMax: 2 });
    hold();
    const calls = Array.from({ length: 40 }, (_, i) => client.unary({ value: `${i}` }));
    await eventually(() => expect(held).toHaveLength(16));
    await eventually(() => expect(upstream.openNow()).toBe(8));
    await expect(client.unary({ value: "late" }, { timeoutMs: 200 })).rejects.toThrow(/deadline_exceeded/);
    release();
    expect((await Promise.all(calls)).map(({ value }) => value)).toEqual(calls.map((_, i) => `${i}`));
    expect(upstream.streamsSeen()).toBe(2);
    expect(seen).not.toContain("late");
  });

  it("has its callers told when too many wait", async () => {
    const { client, running, held, hold, release } = await start({ streamsMax: 1 });
    hold();
    const answered = Array.from({ length: 8 }, () => client.unary({ value: "x" }));
    await eventually(() => expect(held).toHaveLength(8));
    // The gateway takes a hundred streams on a connection of its caller.
    const callers = Array.from({ length: 4 }, () => clientOf(running.url));
    const refused: unknown[] = [];
    const others = callers.flatMap((one) =>
      Array.from({ length: 70 }, () => one.unary({ value: "x" }).catch((err: unknown) => void refused.push(err))),
    );
    // Whichever come last of 280: 256 may wait.
    await eventually(() => expect(refused).toHaveLength(24));
    for (const err of refused) expect(String(err)).toMatch(/resource_exhausted.*takes no more calls at once/);
    release();
    await Promise.all([...answered, ...others]);
    expect(refused).toHaveLength(24);
  });
});

describe("connections that go away under load", () => {
  it("cost no call, and none is made twice", async () => {
    const { client, upstream, seen } = await start({ streamsMax: 20, goAwayAfter: 15 });
    let next = 0;
    const worker = async () => {
      while (next < 300) {
        const value = `${next++}`;
        expect((await client.unary({ value })).value).toBe(value);
      }
    };
    await Promise.all(Array.from({ length: 20 }, worker));
    expect(seen.toSorted()).toEqual(Array.from({ length: next }, (_, i) => `${i}`).toSorted());
    expect(upstream.sessions.length).toBeGreaterThan(300 / 15 - 1);
  });

  it("cost no stream that its service has not touched, with what its caller had sent by then", async () => {
    const { running, seen } = await start({ streamsMax: 20, goAwayAfter: 8 });
    const transport = createConnectTransport({ baseUrl: running.url, httpVersion: "2" });
    const client = createClient(EchoService, transport) as unknown as EchoClient;
    async function* letters(text: string) {
      for (const value of text) yield { value };
    }
    const texts = Array.from({ length: 30 }, (_, i) => `text ${i}`);
    const answers = await Promise.all(texts.map((text) => client.join(letters(text))));
    expect(answers.map(({ value }) => value)).toEqual(texts);
    expect(seen.toSorted()).toEqual(texts.toSorted());
  });
});
