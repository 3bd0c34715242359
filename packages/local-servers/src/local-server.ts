/**
 * A server of another project that runs beside the platform on one machine: for `plinth up --with` and for tests. It
 * listens on loopback only, keeps everything in the folder that it was given, and survives neither its owner's ordered
 * stop nor the next start on the same folder.
 */
export interface LocalServer {
  /** For example "kafka". */
  readonly name: string;
  /** What clients connect to: host:port. */
  readonly address: string;
  readonly pid: number;
  /** Resolves when the process has ended, with how. */
  readonly exited: Promise<string>;
  /** Ends it in order; what it acknowledged is on disk afterwards. */
  stop(): Promise<void>;
  /** SIGKILL, for tests and for an owner in a hurry. Resolves when it has ended. */
  kill(): Promise<void>;
}
