import type { DescMethod, DescMethodUnary, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { AccessRule } from "./access.ts";
import type { CallContext } from "./principal.ts";

type Input<M extends DescMethod> = MessageShape<M["input"]>;
type Output<M extends DescMethod> = MessageInitShape<M["output"]>;

/** Implementation of one RPC by its kind. */
export type Handler<M extends DescMethod> = M extends DescMethodUnary
  ? (request: Input<M>, context: CallContext) => Promise<Output<M>>
  : M["methodKind"] extends "server_streaming"
    ? (request: Input<M>, context: CallContext) => AsyncIterable<Output<M>>
    : M["methodKind"] extends "client_streaming"
      ? (requests: AsyncIterable<Input<M>>, context: CallContext) => Promise<Output<M>>
      : (requests: AsyncIterable<Input<M>>, context: CallContext) => AsyncIterable<Output<M>>;

export interface Route<M extends DescMethod> {
  access: AccessRule;
  handle: Handler<M>;
}

/** A route of any RPC, for lists of routes. */
export interface AnyRoute {
  access: AccessRule;
  handle: (request: never, context: CallContext) => unknown;
}

/** A service with an access rule and a handler for each of its RPCs. */
export interface ServiceRoutes {
  service: DescService;
  /** By local method name. */
  routes: ReadonlyMap<string, AnyRoute>;
}

/** The type checker refuses a missing, surplus or wrongly typed RPC. */
export function defineService<S extends DescService>(
  service: S,
  methods: { [K in keyof S["method"]]: Route<S["method"][K]> },
): ServiceRoutes {
  return { service, routes: new Map(Object.entries(methods)) };
}
