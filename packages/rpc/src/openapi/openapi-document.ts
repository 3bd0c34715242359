import type { DescService, JsonObject } from "@bufbuild/protobuf";
import { type HttpBinding, httpBindingsOf } from "../rest/http-bindings.ts";
import type { AnyRoute, ServiceRoutes } from "../service-routes.ts";
import { createMessageSchemas, described } from "./message-schemas.ts";
import { operation } from "./operation.ts";
import { documentedPath } from "./parameters.ts";
import type { ProtoComments } from "./proto-comments.ts";
import { restComponents, restSchemas } from "./rest-components.ts";

export interface OpenApiOptions {
  /** Name of the service. */
  title: string;
  /** Of the service, not of OpenAPI. */
  version: string;
  services: readonly ServiceRoutes[];
  comments?: ProtoComments | undefined;
}

/** Methods for which a path of OpenAPI 3.1 has a place. */
const methods = new Set(["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"]);

interface Documented {
  binding: HttpBinding;
  route: AnyRoute;
}

/**
 * The OpenAPI 3.1 document of all RPCs that have a path (`google.api.http`), made of the same bindings by which they are
 * served. Bindings of methods that OpenAPI does not know are left out; one for all methods (`*`) is POST with a body, and
 * GET without.
 */
export function openApiDocument({ title, version, services, comments = {} }: OpenApiOptions): JsonObject {
  // Of two routes of one service the later one is served.
  const byName = new Map(services.map((routes) => [routes.service.typeName, routes]));
  const documented = [...byName.values()].flatMap(({ service, routes }) => documentedOf(service, routes));
  const schemas = createMessageSchemas({
    requests: documented.map(({ binding }) => binding.rpc.input),
    responses: documented.map(({ binding }) => binding.rpc.output),
    comments,
  });
  const nameOf = shortNames([...new Set(documented.map(({ binding }) => binding.rpc.parent))]);
  const taken = new Map<string, number>();
  const paths: Record<string, JsonObject> = {};
  for (const { binding, route } of documented) {
    const { rpc } = binding;
    const tag = nameOf(rpc.parent);
    const id = `${tag}_${rpc.name}`;
    const { path, parameters } = documentedPath(binding, schemas);
    paths[path] ??= {};
    const item = paths[path];
    const method = methodOf(binding).toLowerCase();
    if (item[method] !== undefined) continue;
    const count = (taken.get(id) ?? 0) + 1;
    taken.set(id, count);
    item[method] = operation(binding, {
      // A second path of the same RPC.
      operationId: count === 1 ? id : `${id}_${count}`,
      access: route.access,
      pathParameters: parameters,
      ...{ tag, schemas, comments },
    });
  }
  return {
    openapi: "3.1.1",
    info: { title, version },
    servers: [{ url: "/" }],
    tags: [...new Set(documented.map(({ binding }) => binding.rpc.parent))].map((service) => ({
      name: nameOf(service),
      ...described(comments[service.typeName], []),
    })),
    paths,
    components: { schemas: { ...schemas.components(), ...restSchemas }, ...restComponents },
  };
}

function documentedOf(service: DescService, routes: ServiceRoutes["routes"]): Documented[] {
  return httpBindingsOf(service).flatMap((binding) => {
    const route = routes.get(binding.rpc.localName);
    return route !== undefined && methods.has(methodOf(binding)) ? [{ binding, route }] : [];
  });
}

const methodOf = ({ method, body }: HttpBinding): string =>
  method === "*" ? (body === "none" ? "GET" : "POST") : method;

/** Names without their package, unless two services share one. */
function shortNames(services: readonly DescService[]): (service: DescService) => string {
  return ({ name, typeName }) => (services.filter((other) => other.name === name).length > 1 ? typeName : name);
}
