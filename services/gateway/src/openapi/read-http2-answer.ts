import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http2";
import { placeOn } from "@plinth/clients/http2";
import type { Endpoint } from "../data/endpoint.ts";
import type { Answer } from "../data/http1/read-answer.ts";

export interface Http2Question {
  /** Path with query. */
  target: string;
  /** Of the answer's body. */
  bytesMax: number;
  timeoutMs: number;
}

/** The answer to a GET over the HTTP/2 connection that calls use. Rejects when it is too large, late or broken off. */
export async function readHttp2Answer(endpoint: Endpoint, question: Http2Question): Promise<Answer> {
  const signal = AbortSignal.timeout(question.timeoutMs);
  const pooled = await placeOn(endpoint.sessions, signal);
  try {
    const stream = pooled.session.request(
      { ":method": "GET", ":path": question.target, ":authority": endpoint.authority, accept: "application/json" },
      { signal },
    );
    const [headers] = (await once(stream, "response", { signal })) as [IncomingHttpHeaders];
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      // Leaving the loop resets the stream.
      if (bytes > question.bytesMax) throw new Error("the answer is too large");
      chunks.push(chunk);
    }
    return { status: Number(headers[":status"]), body: Buffer.concat(chunks) };
  } finally {
    endpoint.sessions.release(pooled);
  }
}
