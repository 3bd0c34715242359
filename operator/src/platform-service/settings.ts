/** What all services of a cluster have in common; from the operator's configuration. */
export interface PlatformSettings {
  /** Where the operator and the platform's own services run. */
  platformNamespace: string;
  gateway: { name: string; namespace: string };
  migratorImage: string;
  /**
   * How migration files come out of a service's image. `copy`: a container of that image copies them with cp.
   * `image-volume`: the image is mounted, which needs Kubernetes 1.35 and works for images without cp.
   */
  migrationSource: "copy" | "image-volume";
  tokenIssuer: string;
  tokenAudience: string;
  /** Of the services. */
  logLevel: string;
  otlpEndpoint: string | undefined;
  /** "service": calls go to Services by their names, so that a mesh balances; otherwise to instances. */
  discoveryMode: "endpoints" | "service";
  /** Namespaces that may scrape metrics. */
  metricsNamespaces: readonly string[];
}
