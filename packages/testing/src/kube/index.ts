export { type GrantedRule, type Right, rightOfRequest, rightsOf, unusedRights } from "./rights.ts";
export { type ApiServer, type ApiServerOptions, startApiServer, whyNoApiServer } from "./start-api-server.ts";
