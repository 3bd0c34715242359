import http from "node:http";
import { Duplex } from "node:stream";

export interface NodeVerdict {
  accepted: boolean;
  method: string;
  url: string;
  rawHeaders: string[];
}

const refused: NodeVerdict = { accepted: false, method: "", url: "", rawHeaders: [] };

/** A socket without a network: what is given to `bytes`, and writes that go nowhere. */
class Wire extends Duplex {
  constructor(bytes: Buffer) {
    super();
    this.push(bytes);
  }
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done();
  }
}

/** What Node's own HTTP server makes of the head of a request. */
export function nodeVerdict(head: string): Promise<NodeVerdict> {
  return new Promise((resolve) => {
    const server = http.createServer({ requireHostHeader: false });
    const wire = new Wire(Buffer.from(head, "latin1"));
    const done = (verdict: NodeVerdict) => {
      wire.destroy();
      resolve(verdict);
    };
    const accept = (request: http.IncomingMessage) =>
      done({
        accepted: true,
        method: request.method ?? "",
        url: request.url ?? "",
        rawHeaders: request.rawHeaders,
      });
    server.on("request", accept);
    server.on("upgrade", accept);
    server.on("connect", accept);
    server.on("clientError", () => done(refused));
    server.emit("connection", wire);
    // Not whole for Node: no event follows. It has read all there is by then.
    setImmediate(() => setImmediate(() => done(refused)));
  });
}
