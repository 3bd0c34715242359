import type { Exchange } from "./exchange.ts";
import type { RouteTable } from "./route-table.ts";

/** A port through which requests come in, with what is reachable there. */
export interface Entrance {
  /** The current routes; a request keeps the one that it found. */
  table: () => RouteTable;
  /** The port that callers know, for redirects; absent where the gateway does not know it. */
  port?: number;
  /** Answers RPCs of the gateway itself (health, reflection); false: not one of them. */
  local: (exchange: Exchange) => boolean;
  /** Whether a route may have the paths of those RPCs: the gateway answers what no route takes. */
  localLast: boolean;
  /** Answers what the gateway has to say of its services when no route takes the path; false: it is nothing of that. */
  documents?: ((exchange: Exchange) => boolean) | undefined;
}
