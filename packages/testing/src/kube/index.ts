export { type GrantedRule, type Right, rightOfRequest, rightsOf, unusedRights } from "./rights.ts";
export * from "./start-api-server.ts";
