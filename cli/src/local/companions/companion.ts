import type { Clock } from "@plinth/kernel";
import type { LocalServer } from "@plinth/local-servers";

/** A server of another project that `plinth up --with NAME` runs beside the services. One file here each. */
export interface Companion<Server extends LocalServer = LocalServer> {
  /** Also of its folder in the data folder. */
  name: string;
  /** Why it cannot run on this machine, with what to do about it; undefined when it can. */
  problem(): Promise<string | undefined>;
  start(options: CompanionStart): Promise<Server>;
  /** What services need to use it; replaces their keys of the same names. */
  env(server: Server): Record<string, string>;
}

export interface CompanionStart {
  directory: string;
  clock: Clock;
  /** The one it had before it ended by itself; any free one when absent. */
  port?: number;
}
