import { STATUS_CODES } from "node:http";
import type { Clock } from "@plinth/kernel";

const statusLines: string[] = [];

function statusLine(status: number): string {
  statusLines[status] ??= `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Unknown"}\r\n`;
  return statusLines[status];
}

/** How the end of an answer's body is told (RFC 9112 section 6.3). */
export type Framing = "none" | "length" | "chunked" | "close";

export interface AnswerHeadOptions {
  status: number;
  /** Name in lower case and value in turn, without CR, LF and NUL; a `connection` among them asks for `close`. */
  headers: readonly string[];
  /** No answer to this request has a body: HEAD. */
  head: boolean;
  /** The caller understands chunks: HTTP/1.1. */
  chunks: boolean;
  /** The connection ends after the answer. */
  close: boolean;
  /** Length of the whole body when it is there already; -1 otherwise. */
  bodyBytes: number;
  /** Trailers follow, which only chunks can carry. */
  trailers: boolean;
}

/** The head of an answer as text, and what it promises. */
export class AnswerHeads {
  readonly #clock: Clock;
  #second = -1;
  #date = "";
  framing: Framing = "none";
  close = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sets `framing` and `close`, too. */
  make({ status, headers, head, chunks, close, bodyBytes, trailers }: AnswerHeadOptions): string {
    let text = statusLine(status);
    let hasLength = false;
    let hasDate = false;
    let closes = close;
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string;
      if (name === "connection") {
        closes = true;
        continue;
      }
      if (name === "content-length") {
        // RFC 9110 section 8.6.
        if (status === 204) continue;
        hasLength = true;
      }
      if (name === "date") hasDate = true;
      text += `${name}: ${headers[i + 1]}\r\n`;
    }
    this.framing = "none";
    if (!head && status >= 200 && status !== 204 && status !== 304) {
      this.framing = hasLength ? "length" : chunks && (trailers || bodyBytes < 0) ? "chunked" : "length";
      if (this.framing === "chunked") text += "transfer-encoding: chunked\r\n";
      else if (!hasLength && bodyBytes >= 0) text += `content-length: ${bodyBytes}\r\n`;
      else if (!hasLength) {
        this.framing = "close";
        closes = true;
      }
    }
    if (!hasDate) text += this.#dateLine();
    this.close = closes;
    return closes ? `${text}connection: close\r\n\r\n` : `${text}\r\n`;
  }

  /** Made once a second. */
  #dateLine(): string {
    const second = Math.floor(this.#clock.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#date = `date: ${new Date(second * 1000).toUTCString()}\r\n`;
    }
    return this.#date;
  }
}
