import type { Socket } from "node:net";
import { Http1Downstream } from "../http1-downstream.ts";
import { BodyMalformed, type BodySink } from "../request-body.ts";
import { headersMax, RequestHead } from "../request-head.ts";
import type { Peer } from "../tls-termination.ts";
import type { AnswerHeads } from "./answer-head.ts";
import { ChunkedDecoder } from "./chunked-decoder.ts";
import { type RequestParse, RequestParser } from "./request-parser.ts";
import { type UnparsedProblem, unparsedAnswer } from "./unparsed-answer.ts";

/** Time is counted in ticks, one for all connections of a port, so that a request sets no timer. */
export const tickMs = 1_000;

export interface ServerConnectionLimits {
  headerBytesMax: number;
  headersTimeoutMs: number;
  keepAliveTimeoutMs: number;
  /** Bytes of later requests that are taken in while an answer is on its way. */
  pipelinedBytesMax: number;
  /** How long and how much of an unwanted body is read after its answer: closing at once could cost the answer. */
  lingerMs: number;
  lingerBytesMax: number;
}

export interface ServerConnectionOptions {
  socket: Socket;
  peer: Peer;
  limits: ServerConnectionLimits;
  heads: AnswerHeads;
  onRequest: (downstream: Http1Downstream, upgradeHead?: Uint8Array) => void;
  /** Whether answers announce the end of their connection. */
  isClosing: () => boolean;
  onClose: (connection: ServerConnection) => void;
}

/**
 * `head`: waits for a request. `body`: has its head. `answer`: has all of it. `upgrade`: bytes are the next protocol's.
 * `closing`: everything said, until the peer has hung up.
 */
type State = "head" | "body" | "answer" | "upgrade" | "closing";

const ticks = (ms: number): number => Math.ceil(ms / tickMs) + 1;
const continues = "HTTP/1.1 100 Continue\r\n\r\n";
const nothing = Buffer.alloc(0);

/** The caller's side of one HTTP/1.1 connection: requests in, one after the other. Answers: `Http1Downstream`. */
export class ServerConnection {
  readonly socket: Socket;
  readonly peer: Peer;
  readonly heads: AnswerHeads;
  readonly #options: ServerConnectionOptions;
  readonly #parser = new RequestParser(headersMax);
  #state: State = "head";
  /** What came and was not looked at, from `#at` on. */
  #pending: Buffer | undefined;
  #at = 0;
  #current: Http1Downstream | undefined;
  #answered = false;
  #keepAlive = true;
  /** Bytes left of a body with a length; the decoder of one in chunks. */
  #left = 0;
  #chunks: ChunkedDecoder | undefined;
  #sink: BodySink | undefined;
  #sinkPaused = false;
  #continueExpected = false;
  #discardedBytes = 0;
  #advancing = false;
  #headBegan = false;
  /** Until the current wait is too long; 0: waits for the gateway itself. */
  #ticksLeft = 0;

  constructor(options: ServerConnectionOptions) {
    this.#options = options;
    this.socket = options.socket;
    this.peer = options.peer;
    this.heads = options.heads;
    this.#ticksLeft = ticks(options.limits.headersTimeoutMs);
    const { socket } = options;
    socket.on("data", (chunk: Buffer) => this.receive(chunk));
    socket.on("drain", () => this.#onDrain());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#onClose());
  }

  receive(chunk: Buffer): void {
    if (this.#state === "closing") {
      this.#discard(chunk.length);
      return;
    }
    if (this.#pending === undefined) this.#pending = chunk;
    else {
      this.#pending = Buffer.concat([this.#pending.subarray(this.#at), chunk]);
      this.#at = 0;
    }
    this.#advance();
  }

  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    while (this.#step());
    this.#advancing = false;
    const waiting = this.#pending === undefined ? 0 : this.#pending.length - this.#at;
    if (this.#state !== "closing" && this.#state !== "head" && waiting > 0 && this.#isFull(waiting))
      this.socket.pause();
  }

  #isFull(waiting: number): boolean {
    return this.#state === "body" || waiting >= this.#options.limits.pipelinedBytesMax;
  }

  /** One thing; false when there is nothing to do before something happens. */
  #step(): boolean {
    switch (this.#state) {
      case "head":
        return this.#readHead();
      case "body":
        return (this.#answered || (this.#sink !== undefined && !this.#sinkPaused)) && this.#readBody();
      case "answer":
        return this.#answered && !this.socket.writableNeedDrain && this.#next();
      default:
        return false;
    }
  }

  #readHead(): boolean {
    const bytes = this.#pending;
    if (bytes === undefined) return false;
    const { headerBytesMax } = this.#options.limits;
    const to = Math.min(bytes.length, this.#at + headerBytesMax);
    const parsed = this.#parser.parse(bytes, this.#at, to);
    if (parsed !== "whole") {
      const tooLarge = parsed === "partial" && to - this.#at >= headerBytesMax;
      if (tooLarge) this.#refuse("too-large");
      else if (parsed !== "partial") this.#refuse(problemOf(parsed));
      else if (!this.#headBegan) {
        this.#headBegan = true;
        this.#ticksLeft = ticks(this.#options.limits.headersTimeoutMs);
      }
      return false;
    }
    this.#consumed(this.#parser.end);
    this.#ticksLeft = 0;
    this.#headBegan = false;
    this.#begin(new RequestHead(this.#parser.fields));
    return true;
  }

  #begin(head: RequestHead): void {
    const { method, target, minorVersion } = this.#parser;
    if (head.expect !== "" && head.expect.toLowerCase() !== "100-continue") {
      this.#refuse("expectation");
      return;
    }
    if (head.chunked && (minorVersion === 0 || head.contentLength !== -1))
      head.problem ||= "transfer-encoding excludes content-length and wants HTTP/1.1";
    // Where this request ends is not certain: it is refused, and nothing after it is read.
    const lost = head.problem !== "" || method === "CONNECT";
    const hasBody = !lost && (head.chunked || head.contentLength > 0);
    const upgrade = head.upgradeWebSocket && method === "GET" && minorVersion === 1 && !hasBody && !lost;
    this.#keepAlive = !lost && minorVersion === 1 && !head.connectionClose && !upgrade;
    this.#answered = false;
    this.#sink = undefined;
    this.#sinkPaused = false;
    this.#discardedBytes = 0;
    this.#continueExpected = hasBody && minorVersion === 1 && head.expect !== "";
    this.#chunks = hasBody && head.chunked ? new ChunkedDecoder() : undefined;
    this.#left = hasBody && !head.chunked ? head.contentLength : 0;
    this.#state = upgrade ? "upgrade" : hasBody ? "body" : "answer";
    const downstream = new Http1Downstream(this, {
      method,
      target,
      head,
      hasBody,
      chunks: minorVersion === 1,
      upgrade,
    });
    this.#current = downstream;
    this.#options.onRequest(downstream, upgrade ? nothing : undefined);
  }

  #readBody(): boolean {
    const bytes = this.#pending;
    if (bytes === undefined) return false;
    const chunks = this.#chunks;
    if (chunks === undefined) {
      const end = Math.min(bytes.length, this.#at + this.#left);
      const content = this.#at === 0 && end === bytes.length ? bytes : bytes.subarray(this.#at, end);
      this.#left -= content.length;
      this.#consumed(end);
      this.#content(content);
      if (this.#left === 0) this.#bodyIsWhole();
      return true;
    }
    const end = chunks.decode(bytes, this.#at, bytes.length, (content) => this.#content(content));
    this.#consumed(end);
    if (chunks.done) this.#bodyIsWhole();
    else if (chunks.broken) this.#bodyIsBroken(chunks.problem);
    return true;
  }

  #content(content: Buffer): void {
    if (this.#answered) this.#discard(content.length);
    else this.#sink?.onBodyData(content);
  }

  #bodyIsWhole(): void {
    if (this.#state !== "body") return;
    this.#state = "answer";
    if (!this.#answered) this.#sink?.onBodyEnd();
  }

  #bodyIsBroken(problem: string): void {
    if (this.#state !== "body") return;
    this.#keepAlive = false;
    this.#state = "answer";
    this.#pending = undefined;
    if (!this.#answered) this.#sink?.onBodyError(new BodyMalformed(problem));
  }

  #consumed(end: number): void {
    if (this.#pending !== undefined && end >= this.#pending.length) {
      this.#pending = undefined;
      this.#at = 0;
    } else this.#at = end;
  }

  /** The answer is out and so is the request: on to the next one, or to the end. */
  #next(): boolean {
    this.#current = undefined;
    if (!this.#keepAlive) {
      this.#hangUp();
      return false;
    }
    this.#state = "head";
    this.#ticksLeft = ticks(this.#options.limits.keepAliveTimeoutMs);
    if (this.socket.isPaused()) this.socket.resume();
    return this.#pending !== undefined;
  }

  get keepAlive(): boolean {
    // A body that was never asked for may come or not: what follows cannot be told apart.
    return this.#keepAlive && !this.#continueExpected && !this.#options.isClosing();
  }

  get bodyEnded(): boolean {
    return this.#state !== "body";
  }

  readBody(sink: BodySink): void {
    this.#sink = sink;
    if (this.#continueExpected && this.#current?.headersSent === false) this.socket.write(continues, "latin1");
    this.#continueExpected = false;
    if (this.#state === "body") this.#resume();
    else sink.onBodyEnd();
  }

  pauseBody(): void {
    if (this.#state === "body") this.#sinkPaused = true;
  }

  resumeBody(): void {
    if (!this.#sinkPaused) return;
    this.#sinkPaused = false;
    this.#resume();
  }

  #resume(): void {
    this.#advance();
    if (this.socket.isPaused() && !this.#sinkPaused) this.socket.resume();
  }

  /** The answer of the current request was handed to the socket; `keepAlive` as it was announced. */
  answered(keepAlive: boolean): void {
    this.#answered = true;
    this.#keepAlive = keepAlive;
    if (this.#state === "upgrade") this.#state = "answer";
    if (this.#state === "body") {
      this.#ticksLeft = ticks(this.#options.limits.lingerMs);
      if (!keepAlive) this.#hangUp();
      else if (this.socket.isPaused()) this.socket.resume();
    }
    this.#advance();
  }

  /** Gives the socket away after an upgrade: its next bytes are the other protocol's. */
  detach(): Socket {
    const { socket } = this;
    for (const event of ["data", "drain", "error"]) socket.removeAllListeners(event);
    socket.pause();
    if (this.#pending !== undefined) socket.unshift(this.#pending.subarray(this.#at));
    this.#pending = undefined;
    this.#current = undefined;
    this.#ticksLeft = 0;
    return socket;
  }

  #refuse(problem: UnparsedProblem): void {
    this.socket.write(unparsedAnswer(problem), "latin1");
    this.#hangUp();
  }

  /** Says that nothing follows and waits for the peer to go: bytes that it still sends must not cost it the answer. */
  #hangUp(): void {
    this.#state = "closing";
    this.#pending = undefined;
    this.#ticksLeft = ticks(this.#options.limits.lingerMs);
    this.socket.end();
    if (this.socket.isPaused()) this.socket.resume();
  }

  #discard(bytes: number): void {
    this.#discardedBytes += bytes;
    if (this.#discardedBytes > this.#options.limits.lingerBytesMax) this.socket.destroy();
  }

  /** Once every `tickMs`. */
  tick(): void {
    if (this.#ticksLeft === 0 || --this.#ticksLeft > 0) return;
    if (this.#state === "head" && this.#pending !== undefined) this.#refuse("timeout");
    else if (this.#state === "head") this.#hangUp();
    else this.socket.destroy();
  }

  closeIfIdle(): void {
    if (this.#state === "head" && this.#pending === undefined) this.#hangUp();
  }

  #onDrain(): void {
    this.#current?.onDrain();
    this.#advance();
  }

  #onClose(): void {
    this.#options.onClose(this);
    this.#current?.onClose();
  }
}

function problemOf(parsed: Exclude<RequestParse, "whole" | "partial">): UnparsedProblem {
  return parsed === "too-many" ? "too-large" : parsed;
}
