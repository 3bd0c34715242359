/** Header fields of one request. */
export const headersMax = 100;

/**
 * What the gateway needs to know of a request's headers, read in one pass. `forward` holds name and value in turn,
 * names in lower case: everything that may go upstream. Not in it: host, content-length, hop-by-hop headers
 * (RFC 9110 section 7.6.1) and what only the gateway may say (x-plinth-*, x-forwarded-*, forwarded, x-real-ip).
 */
export class RequestHead {
  forward: string[] = [];
  host = "";
  hostCount = 0;
  authorization = "";
  authorizationCount = 0;
  contentType = "";
  /** -1: not said. */
  contentLength = -1;
  chunked = false;
  origin = "";
  preflightMethod = "";
  preflightHeaders = "";
  connectProtocol = false;
  connectTimeout = "";
  grpcTimeout = "";
  /** x-server-timeout, in seconds. */
  serverTimeout = "";
  requestId = "";
  traceparent = "";
  userAgent = "";
  forwardedFor = "";
  forwardedProto = "";
  forwardedHost = "";
  /** Tokens of Connection beyond the usual ones; these name further headers to drop. */
  connectionTokens = "";
  teTrailers = false;
  /** Value of Expect. */
  expect = "";
  /** Connection: close. */
  connectionClose = false;
  /** Upgrade: websocket, named in Connection. */
  upgradeWebSocket = false;
  #connectionUpgrade = false;
  readonly count: number;
  /** Set when a header makes the request unacceptable. */
  problem = "";

  /** `rawHeaders`: name in lower case and value in turn. */
  constructor(rawHeaders: readonly string[]) {
    this.count = rawHeaders.length / 2;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] as string;
      // Pseudo-headers of HTTP/2 are read by the connection's side.
      if (name.charCodeAt(0) !== 58) this.#read(name, rawHeaders[i + 1] as string);
    }
    this.upgradeWebSocket &&= this.#connectionUpgrade;
    if (this.connectionTokens !== "") this.#dropNamed();
  }

  /** All values of a header, joined by commas; undefined when it is absent or not for the service. `name` in lower case. */
  value(name: string): string | undefined {
    if (name === "host") return this.host;
    if (name === "x-request-id") return this.requestId === "" ? undefined : this.requestId;
    if (name === "traceparent") return this.traceparent === "" ? undefined : this.traceparent;
    let found: string | undefined;
    for (let i = 0; i < this.forward.length; i += 2)
      if (this.forward[i] === name)
        found = found === undefined ? this.forward[i + 1] : `${found},${this.forward[i + 1]}`;
    return found;
  }

  #read(name: string, value: string): void {
    switch (name) {
      case "host":
        this.host = value;
        this.hostCount++;
        return;
      case "connection":
        this.#connection(value);
        return;
      case "content-length":
        if (!/^\d{1,15}$/.test(value) || this.contentLength !== -1) this.problem = "content-length is not one number";
        this.contentLength = Number(value);
        return;
      case "transfer-encoding":
        if (this.chunked || value.toLowerCase() !== "chunked") this.problem = "transfer-encoding must be chunked";
        this.chunked = true;
        return;
      case "te":
        this.teTrailers = value.toLowerCase().includes("trailers");
        return;
      case "upgrade":
        this.upgradeWebSocket = value.toLowerCase() === "websocket";
        return;
      case "expect":
        this.expect = value;
        return;
      case "keep-alive":
      case "proxy-connection":
      case "proxy-authenticate":
      case "proxy-authorization":
      case "trailer":
      case "http2-settings":
      case "forwarded":
      case "x-real-ip":
        return;
      case "authorization":
        this.authorization = value;
        this.authorizationCount++;
        break;
      case "content-type":
        this.contentType = value;
        break;
      case "origin":
        this.origin = value;
        break;
      case "access-control-request-method":
        this.preflightMethod = value;
        break;
      case "access-control-request-headers":
        this.preflightHeaders = value;
        break;
      case "connect-protocol-version":
        this.connectProtocol = true;
        break;
      case "connect-timeout-ms":
        this.connectTimeout = value;
        break;
      case "grpc-timeout":
        this.grpcTimeout = value;
        break;
      case "x-server-timeout":
        this.serverTimeout = value;
        break;
      case "user-agent":
        this.userAgent = value;
        break;
      case "x-request-id":
        this.requestId = value;
        return;
      case "traceparent":
        this.traceparent = value;
        return;
      default:
        if (this.#isReserved(name, value)) return;
    }
    this.forward.push(name, value);
  }

  /** "_" counts as "-": many servers read both as one (CGI naming). */
  #isReserved(name: string, value: string): boolean {
    if (name.charCodeAt(0) !== 120) {
      return name.includes("_") && reservedNames.has(name.replaceAll("_", "-"));
    }
    const dashed = name.includes("_") ? name.replaceAll("_", "-") : name;
    if (dashed.startsWith("x-plinth-")) return true;
    if (dashed === "x-real-ip" || dashed === "x-request-id") return true;
    if (!dashed.startsWith("x-forwarded-")) return false;
    if (name === "x-forwarded-for") this.forwardedFor += this.forwardedFor === "" ? value : `, ${value}`;
    else if (name === "x-forwarded-proto") this.forwardedProto = value;
    else if (name === "x-forwarded-host") this.forwardedHost = value;
    return true;
  }

  #connection(value: string): void {
    if (value === "keep-alive") return;
    for (const part of value.toLowerCase().split(",")) {
      const token = part.trim();
      if (token === "close") this.connectionClose = true;
      else if (token === "upgrade") this.#connectionUpgrade = true;
      else if (token !== "" && token !== "keep-alive" && token !== "te") this.connectionTokens += `,${token}`;
    }
  }

  #dropNamed(): void {
    const named = new Set(this.connectionTokens.split(","));
    // A client must not make the gateway forget who it is.
    named.delete("authorization");
    const kept: string[] = [];
    for (let i = 0; i < this.forward.length; i += 2) {
      if (!named.has(this.forward[i] as string)) kept.push(this.forward[i] as string, this.forward[i + 1] as string);
    }
    this.forward = kept;
  }
}

const reservedNames = new Set([
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "authorization",
  "forwarded",
  "keep-alive",
  "upgrade",
  "te",
]);
