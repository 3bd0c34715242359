export { type AccessContext, type AccessRule, type Authorizer, access, enforceAccess } from "./access.ts";
export {
  type AccessTokenVerifier,
  type AccessTokenVerifierOptions,
  createAccessTokenVerifier,
  type VerifiedToken,
} from "./auth/access-token-verifier.ts";
export {
  type Authenticator,
  type AuthenticatorOptions,
  bearerToken,
  type Caller,
  createAuthenticator,
  edgeWorkload,
  ownCallHeader,
  workloadTokenHeader,
} from "./auth/authenticator.ts";
export { createKeySet, type KeySet, type KeySetOptions } from "./auth/key-set.ts";
export { createWorkloadTokenVerifier, type WorkloadTokenVerifier } from "./auth/workload-token-verifier.ts";
export { healthRoutes } from "./builtin/health-service.ts";
export { createReflectionSource, type ReflectionSource, reflectionRoutes } from "./builtin/reflection-service.ts";
export { compressedFlag, enveloped, envelopeHead, lengthIn, Pieces } from "./envelope.ts";
export { connectErrorToFault, faultToConnectError, thrownToConnectError } from "./fault-mapping.ts";
export { type HttpHead, NodeHead } from "./http-head.ts";
export { isJsonObject } from "./json-object.ts";
export { documentPath, type OpenApiAbout, pagePath } from "./openapi/document-handler.ts";
export type { ProtoComments } from "./openapi/proto-comments.ts";
export { actorOf, anonymous, type CallContext, callWith, type Principal } from "./principal.ts";
export { type HttpBinding, httpBindingsOf } from "./rest/http-bindings.ts";
export { type RestError, restError } from "./rest/rest-error.ts";
export type { Denial } from "./server/call-steps.ts";
export { giveReason, onError } from "./server/library-errors.ts";
export {
  createOnePortListener,
  type NodeRequest,
  type NodeResponse,
  type OnePortListener,
  type OnePortListenerOptions,
} from "./server/one-port-listener.ts";
export { type ProtocolProblem, protocolAnswer, withWords } from "./server/protocol-answer.ts";
export { createRpcServer, type HttpRoutes, type RpcServer, type RpcServerOptions } from "./server/rpc-server.ts";
export { defineService, type Handler, type Route, type ServiceRoutes } from "./service-routes.ts";
