/** What the gateway needs of an instance; @plinth/discovery's Endpoint has more. */
export interface DiscoveredEndpoint {
  host: string;
  port: number;
  draining: boolean;
  /** The name of a Service, behind which a mesh finds the instances by the host that a request names. */
  byName?: boolean;
}

/** The part of @plinth/discovery's Resolver that the gateway uses: calls back when known and on every change. */
export interface EndpointResolver {
  watch(service: string, onChange: (endpoints: readonly DiscoveredEndpoint[]) => void): { close(): void };
}
