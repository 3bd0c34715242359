import type { Route } from "./route.ts";

/** Whether requests of a route may go to a service. */
export const leadsTo = (route: Route, service: string): boolean =>
  route.backends?.some((backend) => backend.service === service) ?? route.service === service;
