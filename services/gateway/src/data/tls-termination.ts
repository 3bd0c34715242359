import type { Socket } from "node:net";
import { createSecureContext, type SecureContext, type SecureVersion, TLSSocket } from "node:tls";

/** What a port needs to speak TLS. */
export interface ListenerTls {
  /**
   * The certificate for a server name in lower case ("" when the client named none), asked at every handshake: a new
   * certificate needs no new port. Undefined refuses the handshake.
   */
  context: (serverName: string) => SecureContext | undefined;
  /** Default TLSv1.2. */
  minVersion?: SecureVersion;
}

export type SecureConnection = (socket: TLSSocket, protocol: "h2" | "http/1.1") => void;

const alpnProtocols = ["h2", "http/1.1"];

/** Ends TLS on accepted connections. A handshake that fails or takes longer than `handshakeTimeoutMs` closes them. */
export class TlsTermination {
  readonly #tls: ListenerTls;
  readonly #handshakeTimeoutMs: number;
  /** Holds the versions, which are settled before a certificate is chosen; the certificates come per handshake. */
  readonly #base: SecureContext;

  constructor(tls: ListenerTls, handshakeTimeoutMs: number) {
    this.#tls = tls;
    this.#handshakeTimeoutMs = handshakeTimeoutMs;
    this.#base = createSecureContext({ minVersion: tls.minVersion ?? "TLSv1.2" });
  }

  accept(raw: Socket, onSecure: SecureConnection): void {
    const socket = new TLSSocket(raw, {
      isServer: true,
      secureContext: this.#base,
      ALPNProtocols: alpnProtocols,
      SNICallback: (serverName, done) => this.#choose(serverName, done),
    });
    // Clients that name no server never reach the callback: theirs is in place before the handshake.
    const unnamed = this.#tls.context("");
    if (unnamed !== undefined) socket.setKeyCert(unnamed);
    const timer = setTimeout(() => socket.destroy(), this.#handshakeTimeoutMs);
    socket.once("close", () => clearTimeout(timer));
    socket.on("error", () => socket.destroy());
    // Broken records later, and below the flag that HTTP/2 waits for: tls.Server, which cannot serve a client without
    // a server name from `context`, would do both.
    socket.on("_tlsError", () => socket.destroy());
    socket.once("secure", () => {
      clearTimeout(timer);
      (socket as { secureConnecting?: boolean }).secureConnecting = false;
      onSecure(socket, socket.alpnProtocol === "h2" ? "h2" : "http/1.1");
    });
  }

  #choose(serverName: string, done: (err: Error | null, context?: SecureContext) => void): void {
    const context = this.#tls.context(serverName.toLowerCase());
    if (context === undefined) done(new Error("no certificate for this server name"));
    else done(null, context);
  }
}

/** The other end of an accepted connection. */
export interface Peer {
  address: string;
  /** Speaks TLS. */
  secure: boolean;
  /** The server name of its handshake in lower case; "" without one. */
  serverName: string;
}

export function peerOf(socket: Socket): Peer {
  const { encrypted = false, servername } = socket as Partial<TLSSocket> & { servername?: string | false | null };
  const serverName = typeof servername === "string" ? servername.toLowerCase() : "";
  return { address: socket.remoteAddress ?? "", secure: encrypted, serverName };
}
