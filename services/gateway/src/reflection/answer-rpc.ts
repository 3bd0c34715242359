import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { protocolAnswer, withWords } from "@plinth/rpc";
import type { Downstream } from "../data/downstream.ts";
import type { Exchange, Forwarding } from "../data/exchange.ts";
import { RequestStream } from "./request-stream.ts";

/** Lets a Connect handler answer an exchange, over HTTP/1.1 and HTTP/2 alike. */
export class AnswerRpc implements Forwarding {
  readonly #downstream: Downstream;
  readonly #gone = new AbortController();
  #onRoom: () => void = () => {};

  constructor(exchange: Exchange) {
    this.#downstream = exchange.downstream;
    exchange.forwarding = this;
  }

  /** Rejects when the handler breaks; then nothing more is sent. */
  async run(handler: UniversalHandler | undefined): Promise<void> {
    const { method, target, head, version, secure } = this.#downstream;
    if (handler === undefined) return this.#send(protocolAnswer("rpc-unknown", head.contentType));
    const header = new Headers();
    for (let i = 0; i < head.forward.length; i += 2)
      header.append(head.forward[i] as string, head.forward[i + 1] as string);
    const response = await handler({
      httpVersion: version === "2" ? "2.0" : "1.1",
      method,
      url: new URL(target, `${secure ? "https" : "http"}://${head.host}`).toString(),
      header,
      body: new RequestStream(this.#downstream, this.#gone.signal),
      signal: this.#gone.signal,
    });
    await this.#send(withWords(response, head.contentType));
  }

  /** The head waits for the first message: until then the handler may still set headers. */
  async #send({ status, header, body, trailer }: UniversalServerResponse): Promise<void> {
    const messages = body?.[Symbol.asyncIterator]();
    let next = await messages?.next();
    this.#downstream.start(status, flatten(header), false);
    while (next !== undefined && next.done !== true && !this.#gone.signal.aborted) {
      if (!this.#downstream.write(next.value)) await this.#room();
      next = await messages?.next();
    }
    if (this.#gone.signal.aborted) await messages?.return?.();
    else this.#downstream.end(undefined, flatten(trailer));
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRoom = resolve;
    });
  }

  cancel(): void {
    this.#gone.abort();
    this.#onRoom();
  }

  resume(): void {
    this.#onRoom();
  }
}

function flatten(headers: Headers | undefined): string[] {
  const list: string[] = [];
  for (const [name, value] of headers ?? []) list.push(name, value);
  return list;
}
