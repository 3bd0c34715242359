import { gatewayName, type LocalService } from "./local-service.ts";

/** Identities of the platform that are no services of its own: a service of that name would act with their rights. */
const reservedNames = new Set(["plinth-cli", "operator"]);
/** Paths that only Plinth's own services serve. */
const reservedPath = /^\/(?:plinth[.]|grpc[.]|[.]well-known\/jwks[.]json)/;

/** What is right in each manifest but not together: two services must not share a name, a schema or a route. */
export function conflicts(services: readonly LocalService[]): string[] {
  return [
    ...names(services),
    ...taken(services, schemaOf, "the database schema"),
    ...taken(services, routesOf, "the route"),
    ...reserved(services),
  ];
}

function names(services: readonly LocalService[]): string[] {
  const seen = new Map<string, LocalService>();
  return services.flatMap((service) => {
    const before = seen.get(service.name);
    seen.set(service.name, service);
    return before ? [`${service.file}: the name ${service.name} is taken by ${before.file}`] : [];
  });
}

/** The things of one sort that belong to one service each. */
function taken(
  services: readonly LocalService[],
  thingsOf: (service: LocalService) => string[],
  what: string,
): string[] {
  const owners = new Map<string, LocalService>();
  // Plinth's own come first: what they have is never somebody else's by the order of files.
  const inOrder = services.toSorted((a, b) => Number(b.core) - Number(a.core));
  return inOrder.flatMap((service) =>
    thingsOf(service).flatMap((thing) => {
      const owner = owners.get(thing) ?? service;
      owners.set(thing, owner);
      return owner.name === service.name
        ? []
        : [`${service.file}: ${what} ${thing} belongs to ${owner.name}; choose another`];
    }),
  );
}

function schemaOf({ manifest }: LocalService): string[] {
  const schema = manifest.spec.database?.schema;
  return schema === undefined ? [] : [schema];
}

/** Host, path and kind of every rule, as a person would write them. */
function routesOf({ manifest }: LocalService): string[] {
  const { hostnames = [], rules = [] } = manifest.spec.route ?? {};
  const hosts = hostnames.length > 0 ? hostnames : [""];
  return hosts.flatMap((host) =>
    rules.map(({ path, pathType }) => `${host}${path}${pathType === "Exact" ? " (exact)" : ""}`),
  );
}

function reserved(services: readonly LocalService[]): string[] {
  return services
    .filter(({ core }) => !core)
    .flatMap(({ file, name, manifest }) => [
      ...(reservedNames.has(name) || name === gatewayName
        ? [`${file}: the name ${name} is one of the platform's own; choose another`]
        : []),
      ...(manifest.spec.route?.rules ?? [])
        .filter(({ path }) => reservedPath.test(path))
        .map(
          ({ path }) =>
            `${file}: the route ${path} is the platform's own; a service's routes begin with its own package`,
        ),
      ...((manifest.spec.dependsOn ?? []).includes(name) ? [`${file}: ${name} cannot depend on itself`] : []),
    ]);
}
