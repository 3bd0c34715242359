import type { Component } from "@plinth/kernel";
import { compile } from "./control/compile.ts";
import type { ServedTable } from "./control/describe-routes.ts";
import type { OnSnapshot, RouteSource } from "./control/route-source.ts";
import { RouteTable } from "./data/route-table.ts";
import { createDataPlane, type DataPlaneOptions } from "./data-plane.ts";

export interface GatewayOptions extends Omit<DataPlaneOptions, "authService"> {
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** See ListenerOptions. */
  reusePort?: boolean;
  /** Makes the source of routes, which hands its snapshots to `onSnapshot`. */
  routeSource: (onSnapshot: OnSnapshot) => RouteSource;
  /** Told of what is served from now on. */
  onServed?: (tables: readonly ServedTable[]) => void;
}

export interface Gateway {
  /** In starting order; they start before `server` and stop after it. */
  workers: readonly Component[];
  server: Component & { port(): number };
  table(): RouteTable;
}

/** One port for the routes of PlatformService manifests: the control side swaps the table, the data side reads it. */
export function createGateway(options: GatewayOptions): Gateway {
  const { logger, health } = options;
  let table: RouteTable | undefined;
  const currentTable = () => table ?? RouteTable.empty;
  health.add("routes", () => (table === undefined ? "the route manifests were not read yet" : undefined));

  const plane = createDataPlane({ ...options, authService: "auth" });
  const routes = options.routeSource((snapshot) => {
    const compiled = compile(snapshot.objects);
    plane.setServices(compiled.table.services);
    table = compiled.table;
    options.onServed?.([{ table }]);
    for (const problem of [...snapshot.problems, ...compiled.problems]) logger.warn({ ...problem }, "route problem");
    logger.info({ routes: table.routes.length, services: table.services }, "routes loaded");
  });
  const { host, port, reusePort = false } = options;
  const server = plane.open({ host, port, reusePort, table: currentTable, localLast: false });
  return {
    workers: [...plane.beforeRoutes, routes, ...plane.afterRoutes],
    server: { ...server, name: "gateway" },
    table: currentTable,
  };
}
